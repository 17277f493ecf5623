// SPDX-License-Identifier: Apache-2.0
// The turns of one conversation as the page knows them: what was stored, what streams in, what is being sent.
// A turn's state is the service's (accepted, running, completed, error, interrupted), or `sending` or `refused`
// while it has no number there. Draws nothing, fetches nothing.

const ended = new Set(['completed', 'error', 'interrupted']);
// What is told of a turn. Others, such as chat_service, are for programs.
const known = new Set(['chat_start', 'chat_delta', 'chat_step', 'chat_complete', 'chat_error']);
// Error codes of turns that ended early though nothing failed.
const interruptions = new Set(['turn_interrupted', 'turn_stopped']);
const stepStates = new Set(['running', 'completed', 'error']);
const stepsMax = 100;

let moments = 0;

// `seen`: when the page last learnt that the service has it.
function makeTurn(fields) {
  const key = ++moments;
  return {
    key, seen: key, id: null, state: 'sending', userText: '', answer: '', pieces: [], steps: [], error: null,
    isStopping: false, note: '', ...fields,
  };
}

function fromStored(stored) {
  return makeTurn({
    id: stored.turn_id,
    state: stored.state,
    userText: stored.user_text ?? '',
    answer: stored.answer_text ?? '',
    error: stored.error ?? null,
  });
}

export function isEnded(turn) {
  return ended.has(turn.state);
}

// Known to the service, and not ended there: it can be stopped.
export function isOpen(turn) {
  return turn.state === 'accepted' || turn.state === 'running';
}

export function isStopped(turn) {
  return turn.state === 'interrupted' && turn.error?.code === 'turn_stopped';
}

// What can be shown of the answer: all of it, or the pieces that arrived, with an ellipsis where some are missing.
export function answerOf(turn) {
  if (turn.state === 'completed') return turn.answer;
  let text = '';
  for (let index = 0; index < turn.pieces.length; ++index) {
    if (turn.pieces[index] !== undefined) text += turn.pieces[index];
    else if (index === 0 || turn.pieces[index - 1] !== undefined) text += '… ';
  }
  return turn.answer.length > text.length ? turn.answer : text;
}

export class Thread {
  id;
  title = '';
  turns = [];
  #held = []; // events of turns that the reply to a message in flight may explain

  constructor(id = null) {
    this.id = id;
  }

  isSending() {
    return this.turns.some((turn) => turn.state === 'sending');
  }

  // A moment in the life of this thread, for load().
  mark() {
    return moments;
  }

  // The stored turns win over what was pieced together. What was not stored yet when the request for them was made,
  // at `mark`, stays at the end.
  load(conversation, mark) {
    this.title = conversation.title ?? '';
    const known = new Map(this.turns.filter((turn) => turn.id).map((turn) => [turn.id, turn]));
    const loaded = (conversation.turns ?? []).map((stored) => {
      const turn = fromStored(stored);
      const before = known.get(turn.id);
      if (!before) return turn;
      // An event that was under way during the request may know more than its reply.
      if (isEnded(before) && !isEnded(turn)) return before;
      const {key, pieces, steps, isStopping} = before;
      return {...turn, key, pieces, steps, isStopping};
    });
    const arrived = loaded.filter((turn) => !known.has(turn.id)).map((turn) => turn.userText);
    const isStored = (turn) => loaded.some((other) => other.id === turn.id);
    const waiting = this.turns.filter((turn) => (turn.id
      ? !isStored(turn) && (turn.seen > mark || !isEnded(turn))
      : !(turn.isUnknown && arrived.includes(turn.userText))));
    this.turns = [...loaded, ...waiting];
  }

  // What the button in the composer may do: 'none', 'stop', or 'stopping' while the ends are awaited.
  stopping() {
    const open = this.turns.filter(isOpen);
    if (open.length === 0) return 'none';
    return open.every((turn) => turn.isStopping) ? 'stopping' : 'stop';
  }

  // Gives what undoes it, with a note why, for a request that was refused.
  beginStop() {
    const asked = this.turns.filter(isOpen);
    asked.forEach((turn) => Object.assign(turn, {isStopping: true, note: ''}));
    const keys = new Set(asked.map((turn) => turn.key));
    return (note) => this.turns.filter((turn) => keys.has(turn.key) && isOpen(turn))
      .forEach((turn) => Object.assign(turn, {isStopping: false, note}));
  }

  begin(text) {
    const turn = makeTurn({userText: text});
    this.turns.push(turn);
    return turn;
  }

  // Like refuse(), gives the turns that events changed which had overtaken the reply.
  accept(turn, reply) {
    this.id = reply.conversation_id;
    turn.id = reply.turn_id;
    turn.seen = ++moments;
    // It may have come by another way: a reload of the conversation while the reply was under way.
    const others = this.turns.filter((other) => other !== turn);
    if (others.some((other) => other.id === turn.id)) this.turns = others;
    turn.state = 'accepted';
    return this.#release();
  }

  refuse(turn, error) {
    turn.state = 'refused';
    turn.isUnknown = error.isUnknown;
    turn.error = {code: error.code, message: error.message};
    return this.#release();
  }

  drop(turn) {
    this.turns = this.turns.filter((other) => other !== turn);
  }

  // Whether the event is of this conversation, as far as one can tell.
  concerns(data) {
    return this.id === null ? this.isSending() : data.conversation_id === this.id;
  }

  // An event of a turn; gives the turn that has changed, if any.
  apply(name, data) {
    if (!known.has(name)) return null;
    let turn = this.turns.find((each) => each.id === data.turn_id);
    if (!turn) {
      if (this.isSending()) {
        this.#held.push([name, data]);
        return null;
      }
      if (data.conversation_id !== this.id) return null;
      turn = this.#meet(name, data);
    }
    if (isEnded(turn)) return null;
    if (name === 'chat_start') turn.state = 'running';
    if (name === 'chat_delta') this.#addPiece(turn, data);
    if (name === 'chat_step') this.#takeStep(turn, data);
    if (name === 'chat_complete') Object.assign(turn, {state: 'completed', answer: data.text ?? '', pieces: []});
    if (name === 'chat_error') this.#fail(turn, data.error ?? {});
    return turn;
  }

  // A turn begun elsewhere: in another window, or by a message whose reply was lost.
  #meet(name, data) {
    const userText = name === 'chat_start' ? data.text ?? '' : '';
    const lost = this.turns.find((turn) => turn.isUnknown && turn.userText === userText);
    if (lost) this.drop(lost);
    const turn = makeTurn({id: data.turn_id, state: 'running', userText});
    this.turns.push(turn);
    return turn;
  }

  // A repeated piece may be longer than it was the first time.
  #addPiece(turn, {index, text}) {
    turn.state = 'running';
    if (!Number.isInteger(index) || index < 0 || index > 1_000_000 || typeof text !== 'string') return;
    if (text.length > (turn.pieces[index]?.length ?? -1)) turn.pieces[index] = text;
  }

  // A later step of the same name takes the earlier one's place.
  #takeStep(turn, {name, status, text}) {
    turn.state = 'running';
    if (typeof name !== 'string' || name === '' || !stepStates.has(status)) return;
    const step = {name, status, text: typeof text === 'string' ? text : ''};
    const at = turn.steps.findIndex((each) => each.name === name);
    if (at >= 0) turn.steps[at] = step;
    else if (turn.steps.length < stepsMax) turn.steps.push(step);
  }

  #fail(turn, error) {
    turn.answer = answerOf(turn);
    turn.state = interruptions.has(error.code) ? 'interrupted' : 'error';
    turn.error = error;
  }

  #release() {
    if (this.isSending()) return new Set();
    const held = this.#held;
    this.#held = [];
    const ours = held.filter(([, data]) => data.conversation_id === this.id);
    return new Set(ours.map(([name, data]) => this.apply(name, data)).filter((turn) => turn !== null));
  }
}
