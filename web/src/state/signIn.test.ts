import { describe, expect, it } from 'vitest';
import { failed } from './api.ts';
import { failureText } from './failure.ts';
import { SignIn, type Passkeys } from './signIn.svelte.ts';
import { household, PASSWORD } from './testing/household.ts';

const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

/** A browser's passkeys: each question is answered by hand, or given up with its page. */
function passkeys({ inField = true } = {}) {
  const questions: { quietly: boolean; signal: AbortSignal; answer: (id: string) => void }[] = [];
  const browser: Passkeys = {
    canOfferInField: async () => inField,
    ask: (_options, quietly, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(failed('passkey_cancelled')));
        questions.push({ quietly, signal, answer: (id) => resolve(id ? { ok: true, value: { id } } : failed('passkey_cancelled')) });
      }),
  };
  return { browser, questions };
}

const none = passkeys({ inField: false }).browser;

describe('with a password', () => {
  it('lets in who knows it', async () => {
    const account = household().browser();
    const signIn = new SignIn(account, none);
    expect(await signIn.withPassword('ada', PASSWORD)).toBe(true);
    expect(account.me?.name).toBe('Ada Lovelace');
    expect((await account.api.me()).ok).toBe(true);
  });

  it('says the same of a wrong password and an unknown name', async () => {
    const account = household().browser();
    const signIn = new SignIn(account, none);
    for (const name of ['ada', 'nobody']) {
      expect(await signIn.withPassword(name, 'wrong')).toBe(false);
      expect(failureText(signIn.action.error!)).toBe('That name and password do not go together. Check both, and try again.');
    }
    expect(account.me).toBeUndefined();
    expect(account.revoked).toBe(false);
  });

  it('says how long to wait after too many guesses', async () => {
    const signIn = new SignIn(household().browser(), none);
    for (let i = 0; i < 6; i++) await signIn.withPassword('ada', 'wrong');
    expect(failureText(signIn.action.error!)).toBe('There were too many attempts. Wait 30 seconds, then try again.');
    signIn.action.clear();
  });

  it('says that the server cannot be reached', async () => {
    const { server, browser } = household();
    server.trouble = () => {
      throw new TypeError('Failed to fetch');
    };
    const signIn = new SignIn(browser(), none);
    await signIn.withPassword('ada', PASSWORD);
    expect(failureText(signIn.action.error!)).toMatch(/^The server cannot be reached/);
  });
});

describe('with a passkey', () => {
  it('asks at a click, and lets in who has it', async () => {
    const account = household().browser();
    const { browser, questions } = passkeys({ inField: false });
    const signIn = new SignIn(account, browser);
    const done = signIn.withPasskey();
    await turns();
    expect(questions.map(({ quietly }) => quietly)).toEqual([false]);
    questions[0]!.answer('p1');
    await done;
    expect(account.me?.login).toBe('ada');
  });

  it('takes one that was chosen among the suggestions of the field', async () => {
    const account = household().browser();
    const { browser, questions } = passkeys();
    const signIn = new SignIn(account, browser);
    const done = signIn.offerInField();
    await turns();
    expect(questions[0]!.quietly).toBe(true);
    questions[0]!.answer('p2');
    await done;
    expect(account.me?.login).toBe('ada');
  });

  it('never has two questions open: the click ends the one that waits, and it waits again afterwards', async () => {
    const { browser, questions } = passkeys();
    const signIn = new SignIn(household().browser(), browser);
    void signIn.offerInField();
    await turns();
    void signIn.withPasskey();
    await turns();
    expect(questions.map(({ quietly, signal }) => [quietly, signal.aborted])).toEqual([[true, true], [false, false]]);
    questions[1]!.answer('');
    await turns();
    expect(failureText(signIn.action.error!)).toBe('No passkey was given. Try again, or use a password.');
    expect(questions.map(({ quietly, signal }) => [quietly, signal.aborted])).toEqual([[true, true], [false, false], [true, false]]);
  });

  it('says nothing when what nobody asked for fails', async () => {
    const { server, browser } = household();
    server.trouble = () => new Response('', { status: 503 });
    const signIn = new SignIn(browser(), passkeys().browser);
    await signIn.offerInField();
    expect(signIn.action.error).toBeNull();
  });

  it('says that a key is unknown, and that alone', async () => {
    const account = household().browser();
    const { browser, questions } = passkeys({ inField: false });
    const signIn = new SignIn(account, browser);
    const done = signIn.withPasskey();
    await turns();
    questions[0]!.answer('somebody else’s');
    await done;
    expect(failureText(signIn.action.error!)).toMatch(/^This server does not know that passkey/);
    expect(account.me).toBeUndefined();
  });

  it('asks for nothing once the page is gone', async () => {
    const { browser, questions } = passkeys();
    const signIn = new SignIn(household().browser(), browser);
    const offered = signIn.offerInField();
    signIn.stop();
    await offered;
    expect(questions).toEqual([]);
  });
});
