// SPDX-License-Identifier: Apache-2.0
// Draws what was said: prose as it was written, fenced code in blocks of its own that scroll sideways.
import {make, setText} from './elements.js';
import {splitFences} from './fences.js';

const languageCharsMax = 24;

class Prose {
  isCode = false;
  node = document.createTextNode('');

  update({text}) {
    setText(this.node, text);
  }
}

class CodeBlock {
  isCode = true;

  constructor() {
    this.text = document.createTextNode('');
    this.language = make('div', {className: 'code-language'});
    // In the order of the Tab key, for those who scroll it with the keyboard.
    this.lines = make('pre', {tabIndex: 0, role: 'group'}, make('code', {}, this.text));
    this.node = make('div', {className: 'code'}, this.language, this.lines);
  }

  update({language, text}, isFirst, isLast) {
    this.node.classList.toggle('is-first', isFirst);
    this.node.classList.toggle('is-last', isLast);
    const name = language.slice(0, languageCharsMax);
    setText(this.text, text);
    if (this.language.textContent !== name) this.language.textContent = name;
    this.language.hidden = name === '';
    this.lines.setAttribute('aria-label', name === '' ? 'Code' : `Code: ${name}`);
  }
}

export class SaidView {
  #text = null;
  #parts = [];

  // `who` is for screen readers.
  constructor(who, className) {
    this.element = make('div', {className: `said ${className}`}, make('span', {className: 'unseen', textContent: who}));
  }

  // While an answer grows, its parts stay what they are, but for the last one.
  update(text) {
    if (text === this.#text) return;
    this.#text = text;
    const wanted = splitFences(text);
    wanted.forEach((part, at) => {
      let shown = this.#parts[at];
      if (shown?.isCode !== part.isCode) {
        const before = shown;
        shown = this.#parts[at] = part.isCode ? new CodeBlock() : new Prose();
        if (before) before.node.replaceWith(shown.node);
        else this.element.append(shown.node);
      }
      shown.update(part, at === 0, at === wanted.length - 1);
    });
    this.#parts.splice(wanted.length).forEach((part) => part.node.remove());
    this.element.hidden = text === '';
  }
}
