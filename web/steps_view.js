// SPDX-License-Identifier: Apache-2.0
// Draws the steps that a turn tells while it runs. Decides nothing.
import {make} from './elements.js';

const words = {running: 'running', completed: 'done', error: 'failed'};
// Of a step that the end of its turn overtook.
const leftWords = 'not finished';

class StepView {
  constructor(name) {
    this.status = make('span', {className: 'unseen'});
    this.text = make('span', {className: 'step-text'});
    this.element = make('li', {className: 'step'}, make('span', {className: 'step-mark', aria: {hidden: 'true'}}),
      make('span', {className: 'step-name', textContent: name}), this.status, this.text);
  }

  update({status, text}, isLive) {
    const isLeft = status === 'running' && !isLive;
    this.element.dataset.status = isLeft ? 'left' : status;
    const said = ` (${isLeft ? leftWords : words[status]}) `;
    if (this.status.textContent !== said) this.status.textContent = said;
    if (this.text.textContent !== text) this.text.textContent = text;
    this.text.hidden = text === '';
  }
}

export class StepsView {
  #views = new Map(); // by name

  constructor() {
    this.element = make('ul', {className: 'steps', aria: {label: 'Steps'}, hidden: true});
  }

  // Steps come, and change, but none goes.
  update(steps, isLive) {
    for (const step of steps) {
      let view = this.#views.get(step.name);
      if (!view) {
        this.#views.set(step.name, view = new StepView(step.name));
        this.element.append(view.element);
      }
      view.update(step, isLive);
    }
    this.element.hidden = this.#views.size === 0;
  }
}
