// SPDX-License-Identifier: Apache-2.0
// Says how the stream of answers fares: connected, or since when not and when the next attempt is.

const quietMs = 700; // a break this short is not worth a word

export class ConnectionView {
  #element;
  #text;
  #timer = null;
  #ticker = null;

  constructor(element, text) {
    this.#element = element;
    this.#text = text;
  }

  show(state, {retryMs = 0, reason = ''} = {}) {
    clearTimeout(this.#timer);
    clearInterval(this.#ticker);
    if (state === 'online') this.#put('online', 'Connected', '');
    else if (state === 'connecting') this.#put('connecting', 'Connecting…', '');
    else if (this.#element.dataset.state === 'online') {
      this.#timer = setTimeout(() => this.#count(retryMs - quietMs, reason), quietMs);
    } else this.#count(retryMs, reason);
  }

  #count(retryMs, reason) {
    const at = Date.now() + retryMs;
    const say = () => {
      const seconds = Math.ceil((at - Date.now()) / 1000);
      this.#put('reconnecting', seconds > 2 ? `Reconnecting in ${seconds} s…` : 'Reconnecting…', reason);
    };
    say();
    if (retryMs > 2000) this.#ticker = setInterval(say, 1000);
  }

  #put(state, words, reason) {
    this.#element.dataset.state = state;
    this.#element.title = reason;
    if (this.#text.textContent !== words) this.#text.textContent = words;
  }
}
