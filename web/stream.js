// SPDX-License-Identifier: Apache-2.0
// One stream of events that comes back after every loss and says what was missed. Not EventSource: that one gives up
// at the first refusal, and a new one cannot say which event was the last.
import {errorOf, readRetryAfter} from './api.js';
import {SseParser} from './sse_parser.js';

const silenceMaxMs = 45_000; // the service sends a comment far more often
const pauseMinMs = 500;
const pauseMaxMs = 15_000;

// 128 random bits; crypto.randomUUID() exists on secure origins only.
export function makeStreamId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

export class EventStream {
  #streamId;
  #told;
  #lastId = null;
  #sessionId = null;
  #failures = 0;
  #running = null; // AbortController of the attempt or the stream
  #wake = null; // ends a pause early
  #wasReady = false;

  // told: {onReady({isFirst, missedSome, sessionId, isNewSession}), onEvent(name, data), onGap(),
  //        onState(state, {retryMs, reason})}; state: connecting, online, reconnecting
  constructor(streamId, told) {
    this.#streamId = streamId;
    this.#told = told;
  }

  async run() {
    for (;;) {
      this.#told.onState(this.#wasReady ? 'reconnecting' : 'connecting', {});
      const ended = await this.#attempt();
      const pause = this.#pauseAfter(ended);
      this.#told.onState('reconnecting', {retryMs: pause, reason: ended.reason});
      await this.#rest(pause);
    }
  }

  // Now, rather than at the end of the pause.
  reconnectNow() {
    this.#failures = 0;
    this.#wake?.();
  }

  // The session is void, or the machine has slept: what is open now is of no use.
  restart() {
    this.#running?.abort();
    this.reconnectNow();
  }

  async #attempt() {
    const stop = new AbortController();
    this.#running = stop;
    let silence = setTimeout(() => stop.abort(), silenceMaxMs);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => stop.abort(), silenceMaxMs);
    };
    try {
      const headers = {accept: 'text/event-stream'};
      if (this.#lastId !== null) headers['last-event-id'] = String(this.#lastId);
      const response = await fetch(`/sse/stream?stream_id=${encodeURIComponent(this.#streamId)}`,
        {headers, cache: 'no-store', signal: stop.signal});
      if (!response.ok) {
        const refused = await errorOf(response);
        return {reason: refused.message, retryAfterSec: refused.retryAfterSec};
      }
      if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
        return {reason: 'Something else than the service answers here.', retryAfterSec: readRetryAfter(response)};
      }
      return await this.#read(response, heard);
    } catch {
      return {reason: ''};
    } finally {
      clearTimeout(silence);
      stop.abort(); // also after a farewell: the browser has few connections for one server
    }
  }

  async #read(response, heard) {
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const {value, done} = await reader.read();
      if (done) return {reason: ''};
      heard();
      for (const event of parser.feed(value)) {
        if (event.name === 'server_shutdown') return {reason: '', isFarewell: true};
        this.#take(event);
      }
    }
  }

  #take({name, data, id}) {
    let content;
    try {
      content = JSON.parse(data);
    } catch {
      return; // what is unreadable is missing, and the next number tells so
    }
    if (name === 'ready') {
      this.#becomeReady(content);
      return;
    }
    const number = id === '' ? null : Number(id);
    if (number !== null && Number.isSafeInteger(number)) {
      if (this.#lastId !== null && number <= this.#lastId && name !== 'gap') return;
      const isMissing = this.#lastId !== null && number !== this.#lastId + 1;
      this.#lastId = number;
      if (isMissing && name !== 'gap') this.#told.onGap();
    }
    if (name === 'gap') this.#told.onGap();
    else this.#told.onEvent(name, content);
  }

  #becomeReady({session_id: sessionId = null}) {
    const isFirst = !this.#wasReady;
    const isNewSession = !isFirst && sessionId !== this.#sessionId;
    // Without a number nothing is replayed.
    const missedSome = !isFirst && (isNewSession || this.#lastId === null);
    if (isNewSession) this.#lastId = null;
    this.#sessionId = sessionId;
    this.#wasReady = true;
    this.#failures = 0;
    this.#told.onState('online', {});
    this.#told.onReady({isFirst, isNewSession, missedSome});
  }

  // Jitter, so that the pages of a stopped worker do not come back all at once.
  #pauseAfter({retryAfterSec = null, isFarewell = false}) {
    if (isFarewell) return 100 + Math.random() * 900;
    const ceiling = Math.min(pauseMaxMs, pauseMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 10);
    const pause = ceiling * (0.5 + Math.random() / 2);
    return Math.max(pause, (retryAfterSec ?? 0) * 1000);
  }

  async #rest(pauseMs) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
