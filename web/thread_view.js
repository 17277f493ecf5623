// SPDX-License-Identifier: Apache-2.0
// Draws the turns of the open conversation, at most once a frame, and keeps the newest in sight for whoever is reading
// it. Decides nothing.
import {make} from './elements.js';
import {SaidView} from './said_view.js';
import {StepsView} from './steps_view.js';
import {answerOf, isEnded, isOpen, isStopped} from './thread.js';

const nearEndPx = 80;

function statusOf(turn, isWaiting) {
  if (turn.state === 'sending') return 'Sending…';
  if (isEnded(turn) || turn.state === 'refused') return '';
  if (turn.isStopping) return 'Stopping…';
  if (turn.note !== '') return turn.note;
  if (isWaiting) return 'Waits for the answer above';
  return answerOf(turn) === '' ? 'Answering…' : '';
}

class TurnView {
  constructor(turn, acts) {
    this.user = new SaidView('You: ', 'by-user');
    this.answer = new SaidView('Answer: ', 'by-service');
    this.steps = new StepsView();
    this.status = make('p', {className: 'turn-status'});
    this.errorText = make('p');
    this.retry = make('button', {type: 'button', className: 'quiet-button'});
    this.edit = make('button', {type: 'button', className: 'quiet-button', textContent: 'Edit'});
    this.error = make('div', {className: 'turn-error'}, this.errorText,
      make('div', {className: 'turn-error-buttons'}, this.retry, this.edit));
    this.element = make('article', {className: 'turn'}, this.user.element, this.answer.element, this.status,
      this.steps.element, this.error);
    this.retry.addEventListener('click', () => acts.retry(this.turn));
    this.edit.addEventListener('click', () => acts.edit(this.turn));
    this.turn = turn;
  }

  update(turn, isWaiting) {
    this.turn = turn;
    const isLive = isOpen(turn);
    this.user.update(turn.userText);
    this.answer.update(answerOf(turn));
    this.steps.update(turn.steps, isLive);
    this.status.textContent = statusOf(turn, isWaiting);
    this.status.hidden = this.status.textContent === '';
    this.error.hidden = turn.error === null || !(isEnded(turn) || turn.state === 'refused');
    if (!this.error.hidden) this.#showError(turn);
    this.element.dataset.state = turn.state;
    this.element.classList.toggle('is-live', isLive && !isWaiting);
    this.element.classList.toggle('is-stopped', isStopped(turn));
    this.element.setAttribute('aria-busy', String(isLive));
  }

  #showError(turn) {
    const isRefused = turn.state === 'refused';
    const message = turn.error.message || 'The answer could not be made.';
    const words = !isRefused ? message
      : turn.isUnknown ? `${message} Your message may not have been sent.` : `Not sent. ${message}`;
    if (this.errorText.textContent !== words) this.errorText.textContent = words;
    this.retry.textContent = isRefused ? 'Try again' : 'Ask again';
    this.retry.hidden = turn.userText === '';
    this.edit.hidden = !isRefused;
  }
}

export class ThreadView {
  #turns;
  #scroll;
  #latest;
  #acts;
  #views = new Map();
  #thread = null;
  #isAsked = false;
  #follows = true;

  // acts: {retry(turn), edit(turn)}
  constructor({turns, scroll, latest}, acts) {
    this.#turns = turns;
    this.#scroll = scroll;
    this.#latest = latest;
    this.#acts = acts;
    scroll.addEventListener('scroll', () => this.#look(), {passive: true});
    latest.addEventListener('click', () => this.followLatest());
    new ResizeObserver(() => this.#keepInSight()).observe(scroll);
  }

  show(thread) {
    if (thread !== this.#thread) {
      for (const view of this.#views.values()) view.element.remove();
      this.#views.clear();
      this.#thread = thread;
      this.#follows = true;
    }
    this.draw();
  }

  draw() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#drawNow();
    });
  }

  followLatest() {
    this.#follows = true;
    this.draw();
  }

  #drawNow() {
    const shown = new Set();
    let isWaiting = false;
    let place = this.#turns.firstChild;
    for (const turn of this.#thread.turns) {
      let view = this.#views.get(turn.key);
      if (!view) this.#views.set(turn.key, view = new TurnView(turn, this.#acts));
      view.update(turn, isWaiting);
      isWaiting ||= !isEnded(turn) && turn.state !== 'refused';
      // A node that moves loses its focus, so only those out of place are moved.
      if (view.element === place) place = place.nextSibling;
      else this.#turns.insertBefore(view.element, place);
      shown.add(turn.key);
    }
    for (const [key, view] of this.#views) {
      if (shown.has(key)) continue;
      view.element.remove();
      this.#views.delete(key);
    }
    this.#keepInSight();
  }

  #keepInSight() {
    if (this.#follows) this.#scroll.scrollTop = this.#scroll.scrollHeight;
    this.#look();
  }

  #look() {
    const below = this.#scroll.scrollHeight - this.#scroll.scrollTop - this.#scroll.clientHeight;
    this.#follows = below < nearEndPx;
    this.#latest.hidden = this.#follows;
  }
}
