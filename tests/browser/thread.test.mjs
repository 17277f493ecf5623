// SPDX-License-Identifier: Apache-2.0
// What the page knows of a conversation, event by event, without a browser.
import assert from 'node:assert/strict';
import {suite, test} from './suite.mjs';
import {answerOf, isStopped, Thread} from '../../web/thread.js';

const about = (turn, more = {}) => ({conversation_id: 'c', turn_id: turn, ...more});
const stored = (turn, more = {}) =>
  ({turn_id: turn, state: 'completed', user_text: '?', answer_text: '!', error: null, ...more});
const texts = (thread) => thread.turns.map((turn) => `${turn.userText}|${answerOf(turn)}|${turn.state}`);
const refusal = (isUnknown) => ({code: 'x', message: 'no', isUnknown});

suite('a conversation on the page', () => {
  test('puts pieces in their order and ignores repeated ones', () => {
    const thread = new Thread('c');
    thread.apply('chat_start', about('t', {text: 'hi'}));
    for (const [index, text] of [[0, 'a '], [1, 'b '], [0, 'a '], [1, 'b '], [2, 'c']]) {
      thread.apply('chat_delta', about('t', {index, text}));
    }
    assert.deepEqual(texts(thread), ['hi|a b c|running']);
  });

  test('says where pieces are missing until the whole answer is there', () => {
    const thread = new Thread('c');
    thread.apply('chat_delta', about('t', {index: 1, text: 'b '}));
    thread.apply('chat_delta', about('t', {index: 4, text: 'e'}));
    assert.equal(answerOf(thread.turns[0]), '… b … e');
    thread.apply('chat_complete', about('t', {text: 'a b c d e'}));
    assert.equal(answerOf(thread.turns[0]), 'a b c d e');
  });

  test('holds events that overtake the reply to the message they answer', () => {
    const thread = new Thread();
    const turn = thread.begin('hi');
    thread.apply('chat_start', about('t', {text: 'hi'}));
    thread.apply('chat_delta', {conversation_id: 'another', turn_id: 'u', index: 0, text: 'no'});
    thread.apply('chat_complete', about('t', {text: 'yes'}));
    assert.deepEqual(texts(thread), ['hi||sending']);
    thread.accept(turn, {conversation_id: 'c', turn_id: 't'});
    assert.deepEqual(texts(thread), ['hi|yes|completed']);
  });

  test('shows a message once that was taken though its reply was lost', () => {
    const thread = new Thread('c');
    thread.refuse(thread.begin('hi'), refusal(true));
    thread.apply('chat_start', about('t', {text: 'hi'}));
    assert.deepEqual(texts(thread), ['hi||running']);
  });

  test('keeps a message that was refused for certain beside an equal one from elsewhere', () => {
    const thread = new Thread('c');
    thread.refuse(thread.begin('hi'), refusal(false));
    thread.apply('chat_start', about('t', {text: 'hi'}));
    assert.deepEqual(texts(thread), ['hi||refused', 'hi||running']);
  });

  test('finds a message in the history whose reply was lost', () => {
    const thread = new Thread('c');
    thread.refuse(thread.begin('hi'), refusal(true));
    thread.load({turns: [stored('t', {user_text: 'hi'})]}, thread.mark());
    assert.deepEqual(texts(thread), ['hi|!|completed']);
  });

  test('does not let an older history undo the end of an answer', () => {
    const thread = new Thread('c');
    const mark = thread.mark();
    thread.apply('chat_start', about('t', {text: 'hi'}));
    thread.apply('chat_complete', about('t', {text: 'yes'}));
    thread.load({turns: [stored('t', {state: 'running', user_text: 'hi', answer_text: ''})]}, mark);
    assert.deepEqual(texts(thread), ['hi|yes|completed']);
  });

  test('keeps what came after the history was asked for', () => {
    const thread = new Thread('c');
    thread.load({turns: [stored('t1')]}, thread.mark());
    const mark = thread.mark();
    thread.apply('chat_start', about('t2', {text: 'new'}));
    thread.apply('chat_complete', about('t2', {text: 'yes'}));
    thread.load({turns: [stored('t1')]}, mark);
    assert.deepEqual(texts(thread), ['?|!|completed', 'new|yes|completed']);
  });

  test('forgets what a later history no longer has', () => {
    const thread = new Thread('c');
    thread.load({turns: [stored('t1'), stored('t2')]}, thread.mark());
    thread.load({turns: [stored('t2')]}, thread.mark());
    assert.deepEqual(thread.turns.map((turn) => turn.id), ['t2']);
  });

  test('keeps the part of an answer that came before its error', () => {
    const thread = new Thread('c');
    thread.apply('chat_delta', about('t', {index: 0, text: 'half'}));
    thread.apply('chat_error', about('t', {error: {code: 'turn_interrupted', message: 'gone'}}));
    thread.apply('chat_delta', about('t', {index: 1, text: 'late'}));
    assert.deepEqual(texts(thread), ['|half|interrupted']);
  });

  test('shows steps in the order in which they came, each as it was told last', () => {
    const thread = new Thread('c');
    const step = (name, status, text) => thread.apply('chat_step', about('t', {name, status, text, data: {}}));
    step('build', 'running', '');
    step('test', 'running', '1 of 2');
    step('build', 'completed', 'in 3 s');
    step('test', 'error', 42);
    step('', 'running', 'no name');
    step('ship', 'dancing', 'no such status');
    assert.deepEqual(thread.turns[0].steps, [
      {name: 'build', status: 'completed', text: 'in 3 s'}, {name: 'test', status: 'error', text: ''}]);
    assert.equal(thread.turns[0].state, 'running');
  });

  test('keeps a bounded number of steps, and changes those it has', () => {
    const thread = new Thread('c');
    for (let number = 0; number < 5000; ++number) {
      thread.apply('chat_step', about('t', {name: `step ${number}`, status: 'running'}));
    }
    thread.apply('chat_step', about('t', {name: 'step 7', status: 'completed'}));
    assert.equal(thread.turns[0].steps.length, 100);
    assert.equal(thread.turns[0].steps[7].status, 'completed');
  });

  test('keeps its steps when the history is loaded', () => {
    const thread = new Thread('c');
    thread.apply('chat_start', about('t', {text: 'hi'}));
    thread.apply('chat_step', about('t', {name: 'build', status: 'completed'}));
    thread.load({turns: [stored('t', {user_text: 'hi'})]}, thread.mark());
    assert.deepEqual(thread.turns[0].steps.map((step) => step.name), ['build']);
  });

  test('shows nothing of what is told to programs only', () => {
    const thread = new Thread('c');
    thread.apply('chat_service', about('t', {name: 'cost', data: {cents: 3}}));
    thread.apply('chat_something_newer', about('u'));
    assert.deepEqual(thread.turns, []);
  });

  test('can be stopped while a turn runs or waits, and once', () => {
    const thread = new Thread('c');
    assert.equal(thread.stopping(), 'none');
    const sent = thread.begin('one');
    assert.equal(thread.stopping(), 'none'); // the service does not know of it yet
    thread.accept(sent, {conversation_id: 'c', turn_id: 't'});
    assert.equal(thread.stopping(), 'stop');
    thread.beginStop();
    assert.equal(thread.stopping(), 'stopping');
    thread.accept(thread.begin('two'), {conversation_id: 'c', turn_id: 'u'});
    assert.equal(thread.stopping(), 'stop');
    thread.beginStop();
    for (const turn of ['t', 'u']) {
      thread.apply('chat_error', about(turn, {error: {code: 'turn_stopped', message: 'Stopped.'}}));
    }
    assert.equal(thread.stopping(), 'none');
    assert.deepEqual(texts(thread), ['one||interrupted', 'two||interrupted']);
    assert.ok(thread.turns.every(isStopped));
  });

  test('can be stopped again when the first attempt was refused', () => {
    const thread = new Thread('c');
    thread.apply('chat_start', about('t', {text: 'hi'}));
    const undo = thread.beginStop();
    thread.load({turns: [stored('t', {state: 'running', user_text: 'hi', answer_text: ''})]}, thread.mark());
    assert.equal(thread.stopping(), 'stopping');
    undo('Not stopped.');
    assert.equal(thread.stopping(), 'stop');
    assert.equal(thread.turns[0].note, 'Not stopped.');
  });

  test('takes no event of another conversation', () => {
    const thread = new Thread('c');
    thread.apply('chat_start', {conversation_id: 'd', turn_id: 't', text: 'no'});
    assert.deepEqual(thread.turns, []);
  });
});
