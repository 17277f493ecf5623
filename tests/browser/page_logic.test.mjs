// SPDX-License-Identifier: Apache-2.0
// What the page does when the service fails, drops, loses or refuses, which the fake server does on command.
import assert from 'node:assert/strict';
import {after, afterEach, before, beforeEach, suite, test} from './suite.mjs';
import {launch, Visitor, wait} from './browser.mjs';
import {FakeServer} from './fake_server.mjs';

suite('the page, when the service misbehaves', () => {
  let browser;
  let server;
  let visitor;
  before(async () => browser = await launch());
  after(() => browser.close());
  beforeEach(async () => server = await new FakeServer().start());
  afterEach(async () => {
    await visitor.end();
    await server.stop();
  });

  const arrive = async (path = '/', options = {}) => {
    visitor = await Visitor.arrive(browser, server.url + path, options);
    return visitor;
  };

  // One question in an open conversation, to be answered by the test.
  const ask = async () => {
    server.answersByItself = false;
    await visitor.say('a question');
    await wait(() => server.posts.length === 1, 'the message at the server');
    const [conversation] = server.conversations;
    await visitor.page.locator('.turn[data-state="running"]').waitFor();
    return [conversation, conversation.turns[0]];
  };

  const delta = (conversation, turn, index, text, options) =>
    server.emit('chat_delta', {...server.about(conversation, turn), index, text}, options);

  test('it says that it reconnects, names the last event, and goes on', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    delta(conversation, turn, 0, 'before ');
    await visitor.answer(1).filter({hasText: 'before'}).waitFor();
    const allow = server.refuse('GET /sse/stream', 503, 'shutting_down', 'this server is stopping');
    server.dropStreams();
    await visitor.page.locator('#connection', {hasText: 'Reconnecting'}).waitFor();
    allow();
    await visitor.connected();
    delta(conversation, turn, 1, 'after');
    server.complete(conversation, turn, 'before after');
    await visitor.sees(1, 'before after');
    assert.equal(server.streamRequests[0].lastEventId, null);
    assert.match(server.streamRequests[1].lastEventId, /^\d+$/);
  });

  test('it comes back by itself after a farewell', async () => {
    await (await arrive()).connected();
    server.farewell();
    await wait(() => server.streamRequests.length === 2, 'a second stream');
    await visitor.connected();
    await visitor.say('hello again');
    await visitor.sees(1, 'hello again');
  });

  test('it fetches what a gap has swallowed', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    delta(conversation, turn, 0, 'lost', {isLost: true});
    server.complete(conversation, turn, 'the whole answer', {isLost: true});
    server.emit('gap', {type: 'gap', session_id: 's'});
    await visitor.sees(1, 'the whole answer');
  });

  test('it notices numbers that are missing although nobody said so', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    server.complete(conversation, turn, 'the whole answer', {isLost: true});
    server.emit('conv_status', {...server.about(conversation, turn), state: 'idle'});
    await visitor.sees(1, 'the whole answer');
  });

  test('it tells a refusal in the words of the service and sends again when asked', async () => {
    await (await arrive()).connected();
    server.refuse('POST /sse/chat', 503, 'queue_full', 'too many messages are waiting', {once: true});
    await visitor.say('please');
    await visitor.turn(1).getByText('Not sent. Too many messages are waiting.').waitFor();
    await visitor.page.getByRole('button', {name: 'Try again'}).click();
    await visitor.sees(1, 'please');
    assert.equal(await visitor.page.locator('.turn').count(), 1);
  });

  test('it gives a refused message back for editing', async () => {
    await (await arrive()).connected();
    server.refuse('POST /sse/chat', 413, 'too_large', 'the message is too long', {once: true});
    await visitor.say('far too long');
    await visitor.page.getByRole('button', {name: 'Edit'}).click();
    assert.equal(await visitor.box.inputValue(), 'far too long');
    assert.equal(await visitor.page.locator('.turn').count(), 0);
  });

  test('it tells an error of an answer and asks again when told', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    server.fail(conversation, turn,
                {code: 'turn_interrupted', message: 'The answer was interrupted. Please ask again.'});
    await visitor.turn(1).getByText('The answer was interrupted.').waitFor();
    server.answersByItself = true;
    await visitor.page.getByRole('button', {name: 'Ask again'}).click();
    await visitor.sees(2, 'a question');
  });

  test('it says when the list or a conversation cannot be loaded, and tries again', async () => {
    server.addConversation('kept', [{user_text: 'kept', answer_text: 'still here'}]);
    const allow = [server.refuse('GET /conversations', 503, 'postgres_unavailable', 'Postgres does not answer')];
    await (await arrive('/#c1')).connected();
    await visitor.page.locator('#list-note', {hasText: 'Postgres does not answer'}).waitFor();
    await visitor.page.locator('#failure-text', {hasText: 'Postgres does not answer'}).waitFor();
    allow.forEach((undo) => undo());
    await visitor.page.locator('#list-retry').click();
    await visitor.entries().filter({hasText: 'kept'}).waitFor();
    await visitor.page.locator('#failure-retry').click();
    await visitor.sees(1, 'still here');
  });

  test('it says that a conversation does not exist', async () => {
    await (await arrive('/#nowhere')).connected();
    await visitor.page.getByText('This conversation does not exist.').waitFor();
  });

  test('it keeps the question open when a deletion fails', async () => {
    server.addConversation('to be deleted');
    await (await arrive()).connected();
    const allow = server.refuse('DELETE', 503, 'postgres_unavailable', 'Postgres does not answer');
    await visitor.page.getByRole('button', {name: 'Delete “to be deleted”'}).click();
    const dialog = visitor.page.getByRole('dialog');
    await dialog.getByRole('button', {name: 'Delete'}).click();
    await dialog.getByText('Postgres does not answer.').waitFor();
    allow();
    await dialog.getByRole('button', {name: 'Delete'}).click();
    await visitor.page.getByText('No conversations yet.').waitFor();
    assert.equal(server.conversations.length, 0);
  });

  test('it shows a turn that another window began', async () => {
    const conversation = server.addConversation('shared', [{user_text: 'one', answer_text: 'first'}]);
    await (await arrive('/#c1')).connected();
    await visitor.sees(1, 'first');
    const turn = server.addTurn(conversation, {state: 'running', user_text: 'two'});
    server.emit('chat_start', {...server.about(conversation, turn), text: 'two'});
    server.complete(conversation, turn, 'second');
    await visitor.sees(2, 'second');
    assert.equal(await visitor.shown(visitor.turn(2).locator('.by-user')), 'two');
  });

  test('it leaves a reader where she reads, and offers the way to the latest', async () => {
    const long = Array.from({length: 200}, (_, line) => `line ${line}`).join('\n');
    server.addConversation('long', [{user_text: 'much', answer_text: long}]);
    await (await arrive('/#c1')).connected();
    await visitor.turn(1).waitFor();
    const scroll = visitor.page.locator('#scroll');
    const place = () => scroll.evaluate((element) => element.scrollTop);
    await wait(async () => await place() > 1000, 'the end of the conversation in sight');
    await scroll.evaluate((element) => element.scrollTo(0, 300));
    await visitor.page.getByRole('button', {name: 'Latest'}).waitFor();
    const [conversation] = server.conversations;
    const turn = server.addTurn(conversation, {state: 'running', user_text: 'more'});
    server.emit('chat_start', {...server.about(conversation, turn), text: 'more'});
    await visitor.turn(2).waitFor();
    assert.equal(await place(), 300);
    await visitor.page.getByRole('button', {name: 'Latest'}).click();
    await wait(async () => await place() > 1000, 'the end again');
  });

  test('it offers to stop while an answer is made, once, and tells the end calmly', async () => {
    await (await arrive()).connected();
    const stop = visitor.page.locator('#stop');
    assert.equal(await stop.isVisible(), false);
    const [conversation, turn] = await ask();
    delta(conversation, turn, 0, 'It begins');
    await visitor.page.getByRole('button', {name: 'Stop the answer'}).click();
    await wait(() => server.stops.length === 1, 'the request at the server');
    assert.deepEqual(server.stops, [conversation.conversation_id]);
    assert.equal(await stop.isDisabled(), true);
    assert.equal(await stop.getAttribute('aria-label'), 'Stopping…');
    await visitor.turn(1).getByText('Stopping…').waitFor();
    server.endStopped(conversation);
    await visitor.turn(1).getByText('Stopped.', {exact: true}).waitFor();
    await stop.waitFor({state: 'hidden'});
    assert.equal(await visitor.page.locator('#send').isVisible(), true);
    assert.equal(await visitor.shown(visitor.answer(1)), 'It begins');
    const look = await visitor.turn(1).locator('.turn-error').evaluate((element) => {
      const quiet = getComputedStyle(document.querySelector('#connection')).color;
      const {backgroundColor, color} = getComputedStyle(element);
      return {backgroundColor, isQuiet: color === quiet};
    });
    assert.deepEqual(look, {backgroundColor: 'rgba(0, 0, 0, 0)', isQuiet: true});
    await visitor.page.locator('#announcer', {hasText: 'Stopped.'}).waitFor();
  });

  test('it has Send beside Stop when there is something to send', async () => {
    await (await arrive()).connected();
    const [conversation] = await ask();
    const send = visitor.page.locator('#send');
    await visitor.page.locator('#stop').waitFor();
    assert.equal(await send.isVisible(), false);
    await visitor.box.fill('and another thing');
    await send.click();
    await wait(() => server.posts.length === 2, 'the second message at the server');
    await visitor.turn(2).getByText('Waits for the answer above').waitFor();
    await visitor.page.locator('#stop').click();
    await wait(() => server.stops.length === 1, 'the request at the server');
    server.endStopped(conversation);
    for (const number of [1, 2]) await visitor.turn(number).getByText('Stopped.', {exact: true}).waitFor();
  });

  test('it stops by the keyboard and leaves the focus where one writes', async () => {
    await (await arrive()).connected();
    const [conversation] = await ask();
    await visitor.page.locator('#stop').waitFor();
    await visitor.box.focus();
    await visitor.page.keyboard.press('Tab');
    assert.equal(await visitor.page.evaluate(() => document.activeElement.id), 'stop');
    await visitor.page.keyboard.press('Enter');
    await wait(() => server.stops.length === 1, 'the request at the server');
    assert.equal(await visitor.page.evaluate(() => document.activeElement.id), 'composer-text');
    server.endStopped(conversation);
    await visitor.turn(1).getByText('Stopped.', {exact: true}).waitFor();
  });

  test('it says when a stop is refused, and offers it again', async () => {
    await (await arrive()).connected();
    const [conversation] = await ask();
    server.refuse('POST /conversations/', 503, 'postgres_unavailable', 'Postgres does not answer', {once: true});
    await visitor.page.locator('#stop').click();
    await visitor.turn(1).getByText('Not stopped. Postgres does not answer.').waitFor();
    await visitor.page.getByRole('button', {name: 'Stop the answer'}).click();
    await wait(() => server.stops.length === 1, 'the request at the server');
    server.endStopped(conversation);
    await visitor.turn(1).getByText('Stopped.', {exact: true}).waitFor();
  });

  test('it looks at the history when there was nothing to stop any more', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    Object.assign(turn, {state: 'completed', answer_text: 'long done'}); // and nobody said so
    await visitor.page.locator('#stop').click();
    await visitor.sees(1, 'long done');
    assert.equal(await visitor.page.locator('#stop').isVisible(), false);
    assert.deepEqual(server.stops, [conversation.conversation_id]);
  });

  test('it shows the steps of a turn, each as it is now, and nothing that is for programs', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    server.step(conversation, turn, 'Build', 'running');
    server.step(conversation, turn, 'Test', 'running', '1 of 2');
    const steps = visitor.turn(1).locator('.step');
    await steps.nth(1).waitFor();
    server.emit('chat_service', {...server.about(conversation, turn), name: 'cost', data: {cents: 3}});
    server.step(conversation, turn, 'Build', 'completed', 'in 3 s');
    server.step(conversation, turn, 'Ship', 'error', '<b>no</b> ship');
    delta(conversation, turn, 0, 'Look:\n\n```python\nprint("<i>hello</i>")\n```\nand so on');
    await steps.nth(2).waitFor();
    assert.deepEqual(await steps.allTextContents(),
      ['Build (done) in 3 s', 'Test (running) 1 of 2', 'Ship (failed) <b>no</b> ship']);
    assert.equal(await visitor.page.locator('.turn').count(), 1);
    await visitor.screenshot('steps');
    server.endStopped(conversation);
    await visitor.turn(1).locator('.step[data-status="left"]').waitFor();
    assert.equal(await steps.nth(1).textContent(), 'Test (not finished) 1 of 2');
    await visitor.screenshot('steps-stopped');
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`it shows code in blocks that scroll sideways on a phone, ${colorScheme}`, async () => {
      const line = `print("${'a long line '.repeat(30)}")`;
      const code = `if True:\n    ${line}\n\n\treturn <b>&amp;</b>`;
      server.addConversation('code', [
        {user_text: `Run this, please:\n\n\`\`\`python3\n${code}\n\`\`\`\nThank you.`,
          answer_text: `It says:\n\n\`\`\`\n${code}\n\`\`\`\n\nThat is all.`},
        {user_text: 'stop me', answer_text: 'Half an', state: 'interrupted',
          error: {code: 'turn_stopped', message: 'Stopped.'}}]);
      await (await arrive('/#c1', {viewport: {width: 360, height: 740}, isMobile: true, hasTouch: true, colorScheme}))
        .connected();
      const blocks = visitor.page.locator('.turn pre');
      await blocks.nth(1).waitFor();
      assert.deepEqual(await blocks.allTextContents(), [code, code]);
      assert.equal(await visitor.page.locator('.turn b').count(), 0);
      assert.deepEqual(await visitor.page.locator('.code-language:visible').allTextContents(), ['python3']);
      assert.equal(await visitor.page.evaluate(() => document.documentElement.scrollWidth), 360);
      for (const block of await blocks.all()) {
        const [whole, shown, lines] = await block.evaluate((element) => [element.scrollWidth, element.clientWidth,
          element.getClientRects()[0].height / parseFloat(getComputedStyle(element).lineHeight)]);
        assert.ok(whole > shown && shown <= 360, `${whole} of ${shown}`);
        assert.ok(lines < 6, `${lines} lines: none is broken`);
      }
      await visitor.screenshot(`code-phone-${colorScheme}`);
    });
  }

  test('it keeps the parts of an answer that is written while code comes in', async () => {
    await (await arrive()).connected();
    const [conversation, turn] = await ask();
    const whole = 'First\n```sh\nls -l\n```\nThen\n```\nend\n```';
    for (const [index, text] of whole.split(/(?<=`|\n| )/).entries()) delta(conversation, turn, index, text);
    server.complete(conversation, turn, whole);
    await visitor.page.locator('.turn[data-state="completed"]').waitFor();
    assert.deepEqual(await visitor.answer(1).locator('pre').allTextContents(), ['ls -l', 'end']);
    assert.equal(await visitor.shown(visitor.answer(1)), 'FirstThen');
  });

  test('it announces a whole answer, once, to screen readers', async () => {
    await (await arrive()).connected();
    await visitor.say('read me out');
    await visitor.page.locator('#announcer', {hasText: 'read me out'}).waitFor();
  });
});
