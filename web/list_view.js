// SPDX-License-Identifier: Apache-2.0
// Draws the list of conversations. Which one is open and what a press does is told from outside.
import {make, makeIcon} from './elements.js';

const bin = 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.7 9v4M11.3 9v4';

function ageOf(isoText) {
  const then = new Date(isoText);
  const minutes = (Date.now() - then.getTime()) / 60_000;
  if (!Number.isFinite(minutes)) return '';
  if (minutes < 1) return 'now';
  if (minutes < 60) return `${Math.floor(minutes)} min`;
  if (new Date().toDateString() === then.toDateString()) {
    return then.toLocaleTimeString([], {hour: '2-digit', minute: '2-digit'});
  }
  return then.toLocaleDateString([], {day: 'numeric', month: 'short'});
}

function stateWords(state) {
  if (state === 'in_progress') return 'answering';
  if (state === 'error') return 'ended with an error';
  return '';
}

class EntryView {
  constructor(entry, acts) {
    this.title = make('span', {className: 'entry-title'});
    this.age = make('span', {className: 'entry-age'});
    this.state = make('span', {className: 'entry-state unseen'});
    this.open = make('button', {type: 'button', className: 'entry-open'}, this.title, this.age, this.state);
    this.remove = make('button', {type: 'button', className: 'icon-button entry-delete'}, makeIcon(bin));
    this.element = make('li', {className: 'entry'}, this.open, this.remove);
    this.open.addEventListener('click', () => acts.open(this.entry));
    this.remove.addEventListener('click', () => acts.remove(this.entry));
    this.entry = entry;
  }

  update(entry, isOpen) {
    this.entry = entry;
    const title = entry.title || 'Untitled';
    const words = stateWords(entry.state);
    this.title.textContent = title;
    this.title.title = title;
    this.age.textContent = ageOf(entry.updated_at);
    this.state.textContent = words ? `, ${words}` : '';
    this.element.dataset.state = entry.state;
    this.remove.setAttribute('aria-label', `Delete “${title}”`);
    this.remove.title = 'Delete';
    if (isOpen) this.open.setAttribute('aria-current', 'page');
    else this.open.removeAttribute('aria-current');
  }
}

export class ListView {
  #elements;
  #acts;
  #views = new Map();

  // elements: {list, note, retry}; acts: {open(entry), remove(entry), retry()}
  constructor(elements, acts) {
    this.#elements = elements;
    this.#acts = acts;
    elements.retry.addEventListener('click', () => acts.retry());
  }

  // Without `isLoaded` nothing is known yet; a `failure` is told below what was known before.
  show(entries, openId, {isLoaded, failure}) {
    const {list} = this.#elements;
    const shown = new Set();
    let place = list.firstChild;
    for (const entry of entries) {
      let view = this.#views.get(entry.conversation_id);
      if (!view) this.#views.set(entry.conversation_id, view = new EntryView(entry, this.#acts));
      view.update(entry, entry.conversation_id === openId);
      if (view.element === place) place = place.nextSibling;
      else list.insertBefore(view.element, place);
      shown.add(entry.conversation_id);
    }
    for (const [id, view] of this.#views) {
      if (shown.has(id)) continue;
      view.element.remove();
      this.#views.delete(id);
    }
    if (failure) this.#say(`The list cannot be loaded. ${failure}`, true);
    else if (!isLoaded) this.#say('Loading…', false);
    else this.#say(entries.length === 0 ? 'No conversations yet. What you write first begins one.' : '', false);
  }

  focusNeighbour(index) {
    const buttons = this.#elements.list.querySelectorAll('.entry-open');
    const target = buttons[Math.min(index, buttons.length - 1)];
    target?.focus();
    return Boolean(target);
  }

  #say(words, mayRetry) {
    this.#elements.note.textContent = words;
    this.#elements.note.hidden = words === '';
    this.#elements.retry.hidden = !mayRetry;
  }
}
