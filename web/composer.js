// SPDX-License-Identifier: Apache-2.0
// The box a message is written in: grows with the text, Enter sends, Shift+Enter starts a new line.

const heightMaxPx = 220;

export class Composer {
  #form;
  #box;
  #button;

  // onSend(text) is called with text that is not blank.
  constructor({form, box, button}, onSend) {
    this.#form = form;
    this.#box = box;
    this.#button = button;
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
      onSend(text);
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

  focus() {
    this.#box.focus();
  }

  #fit() {
    this.#button.disabled = this.#box.value.trim() === '';
    this.#box.style.height = 'auto';
    this.#box.style.height = `${Math.min(this.#box.scrollHeight, heightMaxPx)}px`;
    this.#box.style.overflowY = this.#box.scrollHeight > heightMaxPx ? 'auto' : 'hidden';
  }
}
