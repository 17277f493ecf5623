// SPDX-License-Identifier: Apache-2.0
// Puts the page together: what a press, an event of the stream or a change of the address does.
import {api, ServiceError} from './api.js';
import {Composer} from './composer.js';
import {Confirm} from './confirm.js';
import {ConnectionView} from './connection_view.js';
import {Drawer} from './drawer.js';
import {ListView} from './list_view.js';
import {EventStream, makeStreamId} from './stream.js';
import {attachThemeToggle} from './theme_toggle.js';
import {answerOf, isEnded, Thread} from './thread.js';
import {ThreadView} from './thread_view.js';

const byId = (id) => document.getElementById(id);
const untitled = 'New conversation';
const listPauseMs = 200;

class ChatPage {
  #streamId = makeStreamId();
  #entries = [];
  #listStanding = {isLoaded: false, failure: ''};
  #thread = new Thread();
  #loads = 0; // the latest request for a conversation is the one that counts
  #listLoads = 0;
  #listTimer = null;
  #reloadTimer = null;

  constructor() {
    attachThemeToggle(byId('theme'));
    this.drawer = new Drawer({
      drawer: byId('drawer'), page: byId('page'), backdrop: byId('backdrop'), open: byId('drawer-open'),
      close: byId('drawer-close'),
    });
    this.list = new ListView({list: byId('list'), note: byId('list-note'), retry: byId('list-retry')}, {
      open: (entry) => this.goTo(entry.conversation_id),
      remove: (entry) => this.remove(entry),
      retry: () => this.loadList(),
    });
    this.view = new ThreadView({turns: byId('turns'), scroll: byId('scroll'), latest: byId('latest')}, {
      retry: (turn) => this.retry(turn),
      edit: (turn) => this.edit(turn),
    });
    this.composer = new Composer(
      {form: byId('composer'), box: byId('composer-text'), button: byId('send'), stop: byId('stop')},
      {send: (text) => this.send(text), stop: () => this.stop()});
    this.confirm = new Confirm({
      dialog: byId('confirm'), text: byId('confirm-text'), failure: byId('confirm-failure'),
      button: byId('confirm-delete'),
    });
    this.connection = new ConnectionView(byId('connection'), byId('connection-text'));
    this.stream = new EventStream(this.#streamId, {
      onReady: (how) => this.onReady(how),
      onEvent: (name, data) => this.onEvent(name, data),
      onGap: () => this.reloadSoon(),
      onState: (state, more) => this.connection.show(state, more),
    });
    byId('new-conversation').addEventListener('click', () => this.goTo(null));
    document.querySelector('.skip').addEventListener('click', (event) => {
      event.preventDefault(); // the address names the conversation
      this.composer.focus();
    });
    byId('failure-retry').addEventListener('click', () => this.loadThread());
    addEventListener('hashchange', () => this.followAddress());
    addEventListener('online', () => this.stream.restart());
    addEventListener('pageshow', (event) => event.persisted && this.stream.restart());
  }

  start() {
    const id = this.addressedId();
    if (id) {
      this.#thread = new Thread(id);
      byId('loading').hidden = false;
    }
    this.draw();
    this.composer.focus();
    this.stream.run();
  }

  // --- The address: #<conversation> -----------------------------------------------------------

  addressedId() {
    try {
      return decodeURIComponent(location.hash.slice(1)) || null;
    } catch {
      return null;
    }
  }

  goTo(id) {
    this.drawer.close({focus: false});
    if (id === this.addressedId()) this.openThread(id);
    else location.hash = id ? encodeURIComponent(id) : '';
    this.composer.focus();
  }

  followAddress() {
    const id = this.addressedId();
    if (id !== this.#thread.id) this.openThread(id);
  }

  // --- The open conversation ------------------------------------------------------------------

  openThread(id) {
    if (id && id === this.#thread.id) return;
    this.#thread = new Thread(id);
    if (id) this.loadThread();
    else {
      ++this.#loads;
      this.showLoading(false);
      this.draw();
    }
  }

  async loadThread() {
    const thread = this.#thread;
    if (!thread.id) return;
    const load = ++this.#loads;
    this.showLoading(thread.turns.length === 0);
    this.draw();
    const mark = thread.mark();
    let failure = null;
    try {
      const conversation = await api.open(thread.id);
      if (load === this.#loads) thread.load(conversation, mark);
    } catch (error) {
      failure = error;
    }
    if (load !== this.#loads) return;
    this.showLoading(false);
    if (failure) this.onThreadFailure(thread, failure);
    this.draw();
  }

  onThreadFailure(thread, error) {
    if (error.status === 401) this.stream.restart();
    // With turns on the page already, the stream's return brings another attempt.
    if (thread.turns.length > 0) return;
    byId('failure').hidden = false;
    byId('failure-text').textContent = error.status === 404
      ? 'This conversation does not exist. It may have been deleted, or belong to another browser.'
      : `The conversation cannot be loaded. ${error.message}`;
    byId('failure-retry').hidden = error.status === 404;
  }

  showLoading(isLoading) {
    byId('loading').hidden = !isLoading;
    byId('failure').hidden = true;
  }

  async send(text) {
    const thread = this.#thread;
    const turn = thread.begin(text);
    this.view.followLatest();
    this.draw();
    try {
      const reply = await api.send(this.#streamId, text, thread.id);
      const isNew = thread.id === null;
      const changed = thread.accept(turn, reply);
      if (thread === this.#thread) changed.forEach((each) => this.announceEnd(each));
      if (isNew && thread === this.#thread) history.replaceState(null, '', `#${encodeURIComponent(thread.id)}`);
      this.loadList();
    } catch (error) {
      thread.refuse(turn, error instanceof ServiceError ? error : new ServiceError(String(error)));
      this.announce(error.message);
      if (error.status === 401) this.stream.restart();
    }
    if (thread === this.#thread) this.draw();
  }

  async stop() {
    const thread = this.#thread;
    const undo = thread.beginStop();
    this.draw();
    try {
      const {turns} = await api.stop(thread.id);
      // They have ended, and the news is missing.
      if (turns === 0 && thread === this.#thread) await this.loadThread();
    } catch (error) {
      const words = `Not stopped. ${error.message}`;
      undo(words);
      this.announce(words);
      if (error.status === 401) this.stream.restart();
    }
    if (thread === this.#thread) this.draw();
  }

  retry(turn) {
    if (turn.state === 'refused') this.#thread.drop(turn);
    this.composer.focus();
    this.send(turn.userText);
  }

  edit(turn) {
    this.#thread.drop(turn);
    const written = this.composer.text.trim();
    this.composer.put(written ? `${turn.userText}\n${written}` : turn.userText);
    this.composer.focus();
    this.draw();
  }

  // --- The list -------------------------------------------------------------------------------

  loadListSoon() {
    this.#listTimer ??= setTimeout(() => this.loadList(), listPauseMs);
  }

  async loadList() {
    clearTimeout(this.#listTimer);
    this.#listTimer = null;
    const load = ++this.#listLoads;
    try {
      const entries = await api.list();
      if (load !== this.#listLoads) return;
      this.#entries = entries;
      this.#listStanding = {isLoaded: true, failure: ''};
    } catch (error) {
      if (load !== this.#listLoads) return;
      this.#listStanding.failure = error.message;
      if (error.status === 401) this.stream.restart();
    }
    this.drawList();
  }

  async remove(entry) {
    const index = this.#entries.indexOf(entry);
    const title = entry.title || 'Untitled';
    const isDone = await this.confirm.ask(`“${title}” and its answers will be gone for good.`, async () => {
      try {
        await api.remove(entry.conversation_id);
      } catch (error) {
        if (error.status !== 404) throw error; // gone already, which is what was wanted
      }
    });
    if (!isDone) return;
    this.#entries = this.#entries.filter((each) => each.conversation_id !== entry.conversation_id);
    if (this.#thread.id === entry.conversation_id) {
      history.replaceState(null, '', location.pathname);
      this.openThread(null);
    }
    this.draw();
    this.announce('The conversation is deleted.');
    if (!this.list.focusNeighbour(index)) byId('new-conversation').focus();
    this.loadList();
  }

  // --- The stream -----------------------------------------------------------------------------

  onReady({isFirst, isNewSession, missedSome}) {
    if (isNewSession) this.goTo(null);
    if (isFirst || missedSome) this.reloadSoon();
    else if (this.#listStanding.failure) this.loadList();
    if (!byId('failure').hidden && !isFirst) this.loadThread();
  }

  // Gaps may come in numbers.
  reloadSoon() {
    this.loadListSoon();
    this.#reloadTimer ??= setTimeout(() => {
      this.#reloadTimer = null;
      this.loadThread();
    }, this.#thread.turns.length === 0 ? 0 : listPauseMs);
  }

  onEvent(name, data) {
    if (name === 'conv_status') this.onStatus(data);
    else if (name === 'chat_start' && !this.#entries.some((each) => each.conversation_id === data.conversation_id)) {
      this.loadListSoon();
    }
    if (!this.#thread.concerns(data)) return;
    const turn = this.#thread.apply(name, data);
    if (!turn) return;
    this.announceEnd(turn);
    this.drawThread();
  }

  onStatus({conversation_id: id, state}) {
    const entry = this.#entries.find((each) => each.conversation_id === id);
    if (entry) entry.state = state;
    this.drawList();
    this.loadListSoon(); // its place and its time have changed too
  }

  // --- Drawing --------------------------------------------------------------------------------

  draw() {
    const hasNothing = this.#thread.turns.length === 0;
    byId('empty').hidden = !(hasNothing && byId('loading').hidden && byId('failure').hidden);
    this.drawList();
    this.drawThread();
  }

  drawThread() {
    this.view.show(this.#thread);
    this.composer.showStop(this.#thread.stopping());
  }

  drawList() {
    this.list.show(this.#entries, this.#thread.id, this.#listStanding);
    const entry = this.#entries.find((each) => each.conversation_id === this.#thread.id);
    const title = entry?.title || this.#thread.title || this.#thread.turns[0]?.userText.slice(0, 80) || untitled;
    byId('title').textContent = title;
    document.title = title === untitled ? 'Headroom' : `${title} · Headroom`;
  }

  // For screen readers: the whole answer once, rather than each piece of it.
  announceEnd(turn) {
    if (isEnded(turn)) this.announce(turn.error ? turn.error.message ?? '' : answerOf(turn));
  }

  announce(words) {
    byId('announcer').textContent = words;
  }
}

new ChatPage().start();
