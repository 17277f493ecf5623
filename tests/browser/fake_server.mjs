// SPDX-License-Identifier: Apache-2.0
// The service's HTTP contract in memory, obeying the test: drops streams, loses events, refuses. For the page's logic
// only; what chatd does is judged on chatd.
import {readFile} from 'node:fs/promises';
import {createServer} from 'node:http';
import {dirname, extname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const web = join(dirname(fileURLToPath(import.meta.url)), '../../web');
const types = {'.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml'};

export class FakeServer {
  conversations = [];
  posts = []; // the bodies
  stops = []; // the ids of the conversations
  streamRequests = []; // {lastEventId}
  refusals = []; // for the requests to come: {match, status, code, message, headers, once}
  answersByItself = true;
  #streams = new Set();
  #number = 1000;
  #turns = 0;

  async start() {
    this.server = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  get streams() {
    return this.#streams.size;
  }

  dropStreams() {
    for (const response of this.#streams) response.destroy();
    this.#streams.clear();
  }

  // Numbered; told to nobody when `isLost`.
  emit(name, data, {isLost = false} = {}) {
    const id = ++this.#number;
    if (isLost) return;
    for (const stream of this.#streams) {
      stream.write(`id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  farewell() {
    for (const stream of this.#streams) stream.end('event: server_shutdown\ndata: {}\n\n');
    this.#streams.clear();
  }

  addConversation(title, turns = []) {
    const id = `c${this.conversations.length + 1}`;
    const at = new Date().toISOString();
    const conversation = {conversation_id: id, title, created_at: at, updated_at: at, state: 'idle', turns: []};
    for (const turn of turns) this.addTurn(conversation, turn);
    this.conversations.unshift(conversation);
    return conversation;
  }

  addTurn(conversation, fields) {
    const turn = {
      turn_id: `t${++this.#turns}`, state: 'completed', user_text: '', answer_text: '', error: null,
      created_at: new Date().toISOString(), ended_at: '', ...fields,
    };
    conversation.turns.push(turn);
    return turn;
  }

  refuse(match, status, code, message, {headers = {}, once = false} = {}) {
    const refusal = {match, status, code, message, headers, once};
    this.refusals.push(refusal);
    return () => this.refusals.splice(this.refusals.indexOf(refusal), 1);
  }

  // --- Answers of a turn, event by event ---

  about(conversation, turn) {
    return {conversation_id: conversation.conversation_id, turn_id: turn.turn_id, session_id: 's'};
  }

  complete(conversation, turn, text, options = {}) {
    Object.assign(turn, {state: 'completed', answer_text: text});
    this.emit('chat_complete', {...this.about(conversation, turn), text}, options);
    this.emit('conv_status', {...this.about(conversation, turn), state: 'idle'}, options);
  }

  fail(conversation, turn, error) {
    Object.assign(turn, {state: 'error', error});
    this.emit('chat_error', {...this.about(conversation, turn), error});
    this.emit('conv_status', {...this.about(conversation, turn), state: 'error'});
  }

  step(conversation, turn, name, status, text = '') {
    this.emit('chat_step', {type: 'chat.step', ...this.about(conversation, turn), name, status, text, data: {}});
  }

  // Every unended turn of the conversation, as after a request to stop.
  endStopped(conversation) {
    const error = {code: 'turn_stopped', message: 'Stopped.'};
    for (const turn of conversation.turns.filter(({state}) => state === 'accepted' || state === 'running')) {
      Object.assign(turn, {state: 'interrupted', error});
      this.emit('chat_error', {...this.about(conversation, turn), error});
      this.emit('conv_status', {...this.about(conversation, turn), state: 'idle'});
    }
  }

  // --- Requests ---

  async #answer(request, response) {
    const url = new URL(request.url, 'http://fake');
    const what = `${request.method} ${url.pathname}`;
    const refusal = this.refusals.find(({match}) => what.startsWith(match));
    if (refusal) {
      if (refusal.once) this.refusals.splice(this.refusals.indexOf(refusal), 1);
      response.writeHead(refusal.status, {'content-type': 'application/json', ...refusal.headers});
      response.end(JSON.stringify({error: {code: refusal.code, message: refusal.message}}));
    } else if (what === 'GET /sse/stream') this.#openStream(request, response);
    else if (what === 'POST /sse/chat') await this.#take(request, response);
    else if (what === 'GET /conversations') this.#json(response, {conversations: this.conversations});
    else if (/^POST .*\/stop$/.test(what)) this.#stop(response, url.pathname.split('/')[2]);
    else if (url.pathname.startsWith('/conversations/')) this.#one(request, response, url.pathname.slice(15));
    else await this.#file(url.pathname, response);
  }

  #openStream(request, response) {
    this.streamRequests.push({lastEventId: request.headers['last-event-id'] ?? null});
    response.writeHead(200, {'content-type': 'text/event-stream', 'cache-control': 'no-cache'});
    const ready = {session_id: 's', stream_id: 'x', timestamp: new Date().toISOString()};
    response.write(`retry: 2000\n\nevent: ready\ndata: ${JSON.stringify(ready)}\n\n`);
    this.#streams.add(response);
    request.on('close', () => this.#streams.delete(response));
  }

  async #take(request, response) {
    let body = '';
    for await (const piece of request) body += piece;
    const {message} = JSON.parse(body);
    this.posts.push(message);
    let conversation = this.conversations.find((each) => each.conversation_id === message.conversation_id);
    conversation ??= this.addConversation(message.text.slice(0, 60));
    const turn = this.addTurn(conversation, {state: 'accepted', user_text: message.text});
    // The start may overtake the reply, as it may on the real service.
    this.emit('chat_start', {...this.about(conversation, turn), text: message.text});
    this.#json(response, {status: 'processing_started', task_id: turn.turn_id, ...this.about(conversation, turn)});
    if (!this.answersByItself) return;
    for (const [index, text] of message.text.split(/(?<=\s)/).entries()) {
      this.emit('chat_delta', {...this.about(conversation, turn), index, text});
    }
    this.complete(conversation, turn, message.text);
  }

  #one(request, response, id) {
    const conversation = this.conversations.find((each) => each.conversation_id === id);
    if (!conversation) {
      response.writeHead(404, {'content-type': 'application/json'});
      response.end(JSON.stringify({error: {code: 'no_such_conversation', message: 'there is no such conversation'}}));
      return;
    }
    if (request.method === 'DELETE') this.conversations = this.conversations.filter((each) => each !== conversation);
    this.#json(response, conversation);
  }

  // The ends are the test's: endStopped().
  #stop(response, id) {
    this.stops.push(id);
    const turns = this.conversations.find((each) => each.conversation_id === id)?.turns ?? [];
    const unended = turns.filter(({state}) => state === 'accepted' || state === 'running');
    this.#json(response, {status: 'stop_requested', turns: unended.length});
  }

  #json(response, value) {
    response.writeHead(200, {'content-type': 'application/json'});
    response.end(JSON.stringify(value));
  }

  async #file(path, response) {
    const name = path === '/' ? 'index.html' : path.slice(1);
    try {
      if (!/^[a-z_]+\.[a-z]+$/.test(name)) throw new Error('no such file');
      const body = await readFile(join(web, name));
      response.writeHead(200, {'content-type': types[extname(name)], 'content-security-policy': "default-src 'self'"});
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}
