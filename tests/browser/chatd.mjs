// SPDX-License-Identifier: Apache-2.0
// chatd (environment variable CHATD) with its embedded servers in a temporary folder, as an ordinary user.
import {spawn} from 'node:child_process';
import {chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {wait} from './browser.mjs';

const startMs = 60_000;

// Postgres refuses root.
function ordinaryUser() {
  if (process.getuid() !== 0) return {};
  const [, uid, gid] = readFileSync('/etc/passwd', 'utf8').match(/^postgres:[^:]*:(\d+):(\d+):/m);
  return {uid: Number(uid), gid: Number(gid)};
}

export class Chatd {
  #log = '';

  // Once chatd says that it is ready.
  static async start(settings = {}) {
    const chatd = new Chatd();
    try {
      await chatd.#start(settings);
    } catch (error) {
      await chatd.stop();
      throw error;
    }
    return chatd;
  }

  async #start(settings) {
    const user = ordinaryUser();
    this.folder = mkdtempSync(join(tmpdir(), 'hr-browser-'));
    let program = process.env.CHATD;
    if (!program) throw new Error('CHATD is to name the chatd to test');
    if (user.uid !== undefined) {
      copyFileSync(program, join(this.folder, 'chatd')); // where that user may execute it
      program = join(this.folder, 'chatd');
      chmodSync(program, 0o755);
      chownSync(this.folder, user.uid, user.gid);
    }
    const env = {PATH: process.env.PATH, CHAT_APP_PORT: '0', CHAT_ADMIN_PORT: '0',
                 REDIS_MAX_CONNECTIONS: '6', ...settings};
    this.process = spawn(program, {cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'], ...user});
    this.ended = new Promise((resolve) => this.process.once('close', resolve));
    let output = '';
    this.process.stdout.setEncoding('utf8').on('data', (text) => output += text);
    this.process.stderr.setEncoding('utf8').on('data', (text) => this.#log += text);
    await wait(() => {
      if (this.process.exitCode !== null) throw new Error(`chatd ended with ${this.process.exitCode}:\n${this.#log}`);
      const said = output.match(/^chatd is ready: (http:\S+) +\(admin (http:\S+)\)$/m);
      if (said) [, this.url, this.admin] = said;
      return said;
    }, 'chatd to be ready', startMs);
  }

  async workerPids() {
    const system = await (await fetch(`${this.admin}/monitoring/system`)).json();
    return system.workers.map((worker) => worker.pid);
  }

  async stop() {
    if (this.process && this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM');
      const timer = setTimeout(() => this.process.kill('SIGKILL'), startMs);
      await this.ended;
      clearTimeout(timer);
    }
    if (this.folder) rmSync(this.folder, {recursive: true, force: true});
  }
}
