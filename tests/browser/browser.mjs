// SPDX-License-Identifier: Apache-2.0
// Opens pages in Chromium for the tests, and fails the test whose page complained. Knows neither server.
import assert from 'node:assert/strict';
import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {chromium} from 'playwright-core';

export const patienceMs = Number(process.env.PATIENCE_MS ?? 15_000);

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  });
}

// A person with a browser of her own; `end` closes it and checks that the page broke no rule of its own.
export class Visitor {
  complaints = [];

  static async arrive(browser, url, options = {}) {
    const visitor = new Visitor();
    visitor.context = await browser.newContext({viewport: {width: 1180, height: 780}, ...options});
    visitor.context.setDefaultTimeout(patienceMs);
    visitor.page = await visitor.context.newPage();
    visitor.page.on('pageerror', (error) => visitor.complaints.push(`${error}`));
    visitor.page.on('console', (message) => {
      if (/Content Security Policy|Refused to/.test(message.text())) visitor.complaints.push(message.text());
    });
    await visitor.page.goto(url);
    return visitor;
  }

  async end() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }

  async connected() {
    await this.page.locator('#connection[data-state="online"]').waitFor();
    return this;
  }

  get box() {
    return this.page.getByRole('textbox', {name: 'Message'});
  }

  async say(text) {
    await this.box.fill(text);
    await this.box.press('Enter');
  }

  turn(number) {
    return this.page.locator('.turn').nth(number - 1);
  }

  answer(number) {
    return this.turn(number).locator('.by-service');
  }

  // Waits until the turn has ended with this answer.
  async sees(number, text) {
    await this.page.locator(`.turn:nth-child(${number})[data-state="completed"]`).waitFor();
    assert.equal(await this.shown(this.answer(number)), text);
  }

  // The text as it was written: without what only screen readers hear.
  shown(locator) {
    return locator.evaluate((element) => Array.from(element.childNodes)
      .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join(''));
  }

  entries() {
    return this.page.locator('.entry-title');
  }

  async screenshot(name) {
    const folder = process.env.SCREENSHOTS;
    if (!folder) return;
    mkdirSync(folder, {recursive: true});
    await this.page.screenshot({path: join(folder, `${name}.png`)});
  }
}

// Looks until `condition` holds: for what happens at the server, where no locator can wait.
export async function wait(condition, what, withinMs = patienceMs) {
  const giveUp = Date.now() + withinMs;
  while (!await condition()) {
    if (Date.now() > giveUp) assert.fail(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
