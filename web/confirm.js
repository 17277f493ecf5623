// SPDX-License-Identifier: Apache-2.0
// Asks before something is deleted, and stays open with the reason when that fails.

export class Confirm {
  #parts;
  #act = null;

  // parts: {dialog, text, failure, button}
  constructor(parts) {
    this.#parts = parts;
    parts.button.addEventListener('click', () => this.#carryOut());
  }

  // Ends with whether `act` was carried out.
  ask(words, act) {
    const {dialog, text, failure, button} = this.#parts;
    text.textContent = words;
    failure.hidden = true;
    button.disabled = false;
    this.#act = act;
    dialog.returnValue = 'cancel';
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener('close', () => resolve(dialog.returnValue === 'done'), {once: true});
    });
  }

  async #carryOut() {
    const {dialog, failure, button} = this.#parts;
    button.disabled = true;
    try {
      await this.#act();
      dialog.close('done');
    } catch (error) {
      failure.textContent = error.message;
      failure.hidden = false;
      button.disabled = false;
      button.focus();
    }
  }
}
