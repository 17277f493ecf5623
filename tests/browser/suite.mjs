// SPDX-License-Identifier: Apache-2.0
// node:test under the names the tests use.
export {describe as suite, it as test, before, after, beforeEach, afterEach} from 'node:test';
