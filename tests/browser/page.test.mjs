// SPDX-License-Identifier: Apache-2.0
// People in Chromium on the real chatd: what the page is for. Each has a browser, and so a session, of her own.
import assert from 'node:assert/strict';
import {after, afterEach, before, suite, test} from './suite.mjs';
import {launch, Visitor} from './browser.mjs';
import {Chatd} from './chatd.mjs';

suite('a person on the page of chatd', () => {
  let chatd;
  let browser;
  let visitor;
  before(async () => {
    const capacity = {service_capacity: {processes_per_instance: 1}};
    chatd = await Chatd.start({GATEWAY_CONFIG_JSON: JSON.stringify(capacity)});
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await chatd?.stop();
  });
  afterEach(() => visitor.end());

  const arrive = async (options = {}) => {
    visitor = await Visitor.arrive(browser, chatd.url, options);
    return visitor.connected();
  };
  const pressTabUntil = async (selector) => {
    for (let press = 0; press < 40; ++press) {
      if (await visitor.page.evaluate((wanted) => document.activeElement.matches(wanted), selector)) return;
      await visitor.page.keyboard.press('Tab');
    }
    assert.fail(`Tab never comes to ${selector}`);
  };

  test('sees the answer stream in, word by word', async () => {
    await arrive({colorScheme: 'light'});
    await visitor.page.getByText('No conversations yet.').waitFor();
    const words = Array.from({length: 30}, (_, number) => `word${number}`).join(' ');
    await visitor.say(words);
    await visitor.page.locator('.turn[data-state="running"] .by-service', {hasText: 'word0'}).waitFor();
    assert.notEqual(await visitor.shown(visitor.answer(1)), words);
    await visitor.sees(1, words);
    assert.equal(await visitor.shown(visitor.turn(1).locator('.by-user')), words);
  });

  test('finds the conversation in the list, after a reload too, and goes on in it', async () => {
    await arrive({colorScheme: 'light'});
    await visitor.say('How much room is left?');
    await visitor.sees(1, 'How much room is left?');
    await visitor.entries().filter({hasText: 'How much room is left?'}).waitFor();

    await visitor.page.reload();
    await visitor.connected();
    await visitor.sees(1, 'How much room is left?');
    await visitor.say('And for a deploy?');
    await visitor.sees(2, 'And for a deploy?');
    assert.equal(await visitor.entries().count(), 1);
    await visitor.screenshot('light');
  });

  test('keeps conversations apart and moves between them', async () => {
    await arrive();
    await visitor.say('first');
    await visitor.sees(1, 'first');
    await visitor.page.getByRole('button', {name: 'New conversation'}).click();
    await visitor.say('second');
    await visitor.sees(1, 'second');
    await visitor.entries().filter({hasText: 'first'}).click();
    await visitor.sees(1, 'first');
    await visitor.page.goBack();
    await visitor.sees(1, 'second');
    assert.deepEqual(await visitor.entries().allTextContents(), ['second', 'first']);
  });

  test('deletes a conversation, but only after saying yes', async () => {
    await arrive();
    await visitor.say('short-lived');
    await visitor.sees(1, 'short-lived');
    const dialog = visitor.page.getByRole('dialog');
    await visitor.page.getByRole('button', {name: 'Delete “short-lived”'}).click();
    await dialog.getByText('“short-lived” and its answers will be gone for good.').waitFor();
    await dialog.getByRole('button', {name: 'Cancel'}).click();
    assert.equal(await visitor.entries().count(), 1);
    await visitor.page.getByRole('button', {name: 'Delete “short-lived”'}).click();
    await dialog.getByRole('button', {name: 'Delete'}).click();
    await visitor.page.getByText('No conversations yet.').waitFor();
    assert.equal(await visitor.page.locator('.turn').count(), 0);
    await visitor.page.reload();
    await visitor.page.getByText('No conversations yet.').waitFor();
  });

  test('sees markup as the text it is', async () => {
    await arrive();
    const markup = '<img src=x onerror="document.title=\'owned\'"><b>bold</b> &amp; ' +
      '<script>document.title="owned"</script>';
    await visitor.say(markup);
    await visitor.sees(1, markup);
    await visitor.entries().filter({hasText: '<b>bold</b>'}).waitFor();
    assert.equal(await visitor.page.locator('.turn img, .turn b, .turn script, .entry b, #title b').count(), 0);
    assert.doesNotMatch(await visitor.page.title(), /owned$/);
  });

  test('gets by with the keyboard alone', async () => {
    await arrive();
    const {keyboard} = visitor.page;
    await keyboard.type('one');
    await keyboard.press('Shift+Enter');
    await keyboard.type('two');
    await keyboard.press('Enter');
    await visitor.sees(1, 'one\ntwo');
    await visitor.entries().filter({hasText: 'one'}).waitFor();
    await pressTabUntil('.entry-open');
    const outline = await visitor.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, 'solid');
    await pressTabUntil('.entry-delete');
    await keyboard.press('Enter');
    await visitor.page.getByRole('dialog').waitFor();
    await keyboard.press('Escape');
    await visitor.page.getByRole('dialog').waitFor({state: 'hidden'});
    await pressTabUntil('.entry-delete');
    await keyboard.press('Enter');
    await pressTabUntil('#confirm-delete');
    await keyboard.press('Enter');
    await visitor.page.getByText('No conversations yet.').waitFor();
    await pressTabUntil('#new-conversation');
    await keyboard.press('Enter');
    await keyboard.type('again');
    await keyboard.press('Enter');
    await visitor.sees(1, 'again');
  });

  test('has the list in a drawer at phone width, and nothing beside the screen', async () => {
    await arrive({viewport: {width: 360, height: 700}, isMobile: true, hasTouch: true, colorScheme: 'light',
      reducedMotion: 'reduce'});
    const long = `a-word-without-an-end-${'x'.repeat(300)}`;
    await visitor.say(long);
    await visitor.sees(1, long);
    const width = await visitor.page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(width, 360);
    assert.equal(await visitor.page.getByRole('button', {name: 'New conversation'}).isVisible(), false);
    await visitor.screenshot('phone');
    await visitor.page.getByRole('button', {name: 'Open the list of conversations'}).click();
    await visitor.entries().filter({hasText: 'a-word'}).waitFor();
    await visitor.screenshot('phone-list');
    await visitor.page.keyboard.press('Escape');
    await visitor.page.getByRole('button', {name: 'New conversation'}).waitFor({state: 'hidden'});
    await visitor.page.getByRole('button', {name: 'Open the list of conversations'}).click();
    await visitor.page.getByRole('button', {name: 'New conversation'}).click();
    await visitor.page.getByText('What would you like to talk about?').waitFor();
    assert.equal(await visitor.page.locator('#page').evaluate((page) => page.inert), false);
  });

  test('has it dark when the system is, and as she chose after that', async () => {
    await arrive({colorScheme: 'dark'});
    const ground = () => visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await visitor.say('Is it late?');
    await visitor.sees(1, 'Is it late?');
    const dark = await ground();
    await visitor.screenshot('dark');
    await visitor.page.getByRole('button', {name: 'Switch to light colours'}).click();
    const light = await ground();
    assert.deepEqual([dark, light], ['rgb(22, 24, 23)', 'rgb(253, 252, 250)']);
    await visitor.page.reload();
    await visitor.connected();
    assert.equal(await ground(), light);
  });

  test('is told in words when a message is refused', async () => {
    await arrive();
    await visitor.say('x'.repeat(33_000));
    await visitor.turn(1).locator('.turn-error', {hasText: 'Not sent.'}).waitFor();
    assert.match(await visitor.turn(1).locator('.turn-error p').textContent(), /32,?000/);
    await visitor.screenshot('refused');
  });

  test('stops an answer that streams, keeps its beginning, and goes on', async () => {
    await arrive();
    const words = Array.from({length: 400}, (_, number) => `word${number}`).join(' ');
    await visitor.say(words);
    await visitor.page.locator('.turn[data-state="running"] .by-service', {hasText: 'word0'}).waitFor();
    await visitor.page.getByRole('button', {name: 'Stop the answer'}).click();
    await visitor.turn(1).getByText('Stopped.', {exact: true}).waitFor();
    const kept = await visitor.shown(visitor.answer(1));
    assert.ok(kept !== '' && kept !== words && words.startsWith(kept), kept);
    await visitor.page.locator('.entry[data-state="idle"]').waitFor();
    await visitor.screenshot('stopped');
    await visitor.page.reload();
    await visitor.connected();
    await visitor.turn(1).getByText('Stopped.', {exact: true}).waitFor();
    assert.equal(await visitor.shown(visitor.answer(1)), kept);
    await visitor.say('Go on');
    await visitor.sees(2, 'Go on');
  });

  test('sees the code she sends, and the code of an answer, in blocks', async () => {
    await arrive();
    await visitor.say('Look:\n```sh\necho "<b>"  # as it is\n```');
    await visitor.page.locator('.turn[data-state="completed"]').waitFor();
    const blocks = visitor.turn(1).locator('pre');
    assert.deepEqual(await blocks.allTextContents(), ['echo "<b>"  # as it is', 'echo "<b>"  # as it is']);
  });

  test('does not see what belongs to another person', async () => {
    await arrive();
    await visitor.say('mine alone');
    await visitor.sees(1, 'mine alone');
    const address = visitor.page.url();
    const other = await Visitor.arrive(browser, address);
    await other.page.getByText('This conversation does not exist.').waitFor();
    await other.page.getByText('No conversations yet.').waitFor();
    await other.end();
  });

  test('chats on after the worker that served her has died', async () => {
    await arrive();
    await visitor.say('before');
    await visitor.sees(1, 'before');
    const [pid] = await chatd.workerPids();
    const comesBack = visitor.page.waitForRequest(/\/sse\/stream/);
    process.kill(pid, 'SIGKILL');
    await comesBack;
    await visitor.say('after');
    await visitor.sees(2, 'after');
  });
});
