// SPDX-License-Identifier: Apache-2.0
// Server-Sent Events from text in any pieces (WHATWG HTML, 9.2.6). Knows no network and no event's meaning.

const bufferMax = 8 * 1024 * 1024;

export class SseParser {
  #rest = '';
  #skipsLineFeed = false;
  #name = '';
  #data = [];
  #size = 0;
  #lastId = '';

  // The events that this piece completes: {name, data, id}; `id` is the last one seen, as the standard has it.
  // Throws when a server sends a frame that no page should hold.
  feed(piece) {
    const events = [];
    let text = this.#rest + piece;
    let begin = 0;
    if (this.#skipsLineFeed && text !== '') {
      if (text[0] === '\n') begin = 1;
      this.#skipsLineFeed = false;
    }
    for (let at = begin; at < text.length; ++at) {
      const character = text[at];
      if (character !== '\n' && character !== '\r') continue;
      const event = this.#takeLine(text.slice(begin, at));
      if (event) events.push(event);
      if (character === '\r') {
        if (at + 1 === text.length) this.#skipsLineFeed = true;
        else if (text[at + 1] === '\n') ++at;
      }
      begin = at + 1;
    }
    this.#rest = text.slice(begin);
    if (this.#rest.length + this.#size > bufferMax) throw new Error('an event is too large');
    return events;
  }

  #takeLine(line) {
    if (line === '') return this.#endEvent();
    const colon = line.indexOf(':');
    if (colon === 0) return null; // a comment: keep-alive
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#name = value;
    if (field === 'id' && !value.includes('\0')) this.#lastId = value;
    if (field === 'data') {
      this.#data.push(value);
      this.#size += value.length + 1;
    }
    return null;
  }

  #endEvent() {
    const event = this.#data.length === 0
      ? null
      : {name: this.#name || 'message', data: this.#data.join('\n'), id: this.#lastId};
    this.#name = '';
    this.#data = [];
    this.#size = 0;
    return event;
  }
}
