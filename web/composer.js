// SPDX-License-Identifier: Apache-2.0
// The box a message is written in: grows with the text, Enter sends, Shift+Enter starts a new line. While an answer is
// made, Stop stands in the place of Send, which is beside it when there is something to send.

const heightMaxPx = 220;

export class Composer {
  #form;
  #box;
  #button;
  #stop;
  #stopping = 'none';

  // acts: {send(text), called with text that is not blank; stop()}
  constructor({form, box, button, stop}, acts) {
    this.#form = form;
    this.#box = box;
    this.#button = button;
    this.#stop = stop;
    box.addEventListener('input', () => this.#fit());
    box.addEventListener('keydown', (event) => {
      // While an input method composes a word, Enter is its own.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (text === '') return;
      this.put('');
      acts.send(text);
    });
    stop.addEventListener('click', (event) => {
      // A disabled button loses the focus, and a keyboard its place; a finger would only get a keyboard on the screen.
      if (event.detail === 0) this.focus();
      acts.stop();
    });
    this.#fit();
  }

  get text() {
    return this.#box.value;
  }

  put(text) {
    this.#box.value = text;
    this.#fit();
  }

  // What Stop may do, as Thread.stopping() says.
  showStop(stopping) {
    if (stopping === this.#stopping) return;
    this.#stopping = stopping;
    if (stopping === 'none' && document.activeElement === this.#stop) this.focus();
    this.#stop.disabled = stopping === 'stopping';
    this.#stop.setAttribute('aria-label', stopping === 'stopping' ? 'Stopping…' : 'Stop the answer');
    this.#fit();
  }

  focus() {
    this.#box.focus();
  }

  #fit() {
    const isBlank = this.#box.value.trim() === '';
    this.#button.disabled = isBlank;
    this.#stop.hidden = this.#stopping === 'none';
    this.#button.hidden = isBlank && this.#stopping !== 'none';
    this.#box.style.height = 'auto';
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, heightMaxPx)}px`;
    this.#box.style.overflowY = this.#box.scrollHeight > heightMaxPx ? 'auto' : 'hidden';
  }
}
