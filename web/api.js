// SPDX-License-Identifier: Apache-2.0
// The service's answers as values, its refusals as errors in words. Draws nothing.

const patienceMs = 30_000;

// `message` is for the person. `isUnknown`: it may have happened nonetheless.
export class ServiceError extends Error {
  constructor(message, {status = 0, code = '', retryAfterSec = null, isUnknown = false} = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterSec = retryAfterSec;
    this.isUnknown = isUnknown;
  }
}

function wordsForStatus(status) {
  if (status === 401) return 'Your session is no longer valid.';
  if (status === 404) return 'It is no longer there.';
  if (status === 413) return 'The message is too long.';
  if (status === 429) return 'That was a little fast: wait a moment, then try again.';
  if (status >= 500) return 'The service cannot answer just now.';
  return `The service refused this (status ${status}).`;
}

// A message of the service begins small and has no full stop; on the page it is a sentence.
function asSentence(text) {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const begun = trimmed[0].toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

export function readRetryAfter(response) {
  const seconds = Number(response.headers.get('retry-after') ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 300) : null;
}

export async function errorOf(response) {
  let said = {};
  try {
    said = (await response.json())?.error ?? {};
  } catch {
    // A proxy's page, or nothing: the status must do.
  }
  const message = typeof said.message === 'string' ? asSentence(said.message) : '';
  return new ServiceError(message || wordsForStatus(response.status), {
    status: response.status,
    code: typeof said.code === 'string' ? said.code : '',
    retryAfterSec: readRetryAfter(response),
  });
}

async function ask(method, path, body) {
  const request = {method, headers: {accept: 'application/json'}, signal: AbortSignal.timeout(patienceMs)};
  if (body !== undefined) {
    request.headers['content-type'] = 'application/json';
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    throw new ServiceError('The service cannot be reached.', {isUnknown: true});
  }
  if (!response.ok) throw await errorOf(response);
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch {
    throw new ServiceError('The answer of the service broke off.', {status: response.status, isUnknown: true});
  }
}

export const api = {
  list: async () => (await ask('GET', '/conversations'))?.conversations ?? [],
  open: (id) => ask('GET', `/conversations/${encodeURIComponent(id)}`),
  remove: (id) => ask('DELETE', `/conversations/${encodeURIComponent(id)}`),
  stop: (id) => ask('POST', `/conversations/${encodeURIComponent(id)}/stop`, {}),
  send: (streamId, text, conversationId) =>
    ask('POST', `/sse/chat?stream_id=${encodeURIComponent(streamId)}`,
      {message: conversationId ? {text, conversation_id: conversationId} : {text}}),
};
