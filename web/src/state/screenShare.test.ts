import { expect, it } from 'vitest';
import type { Screen } from '../rtc/index.ts';
import { ScreenShare } from './screenShare.svelte.ts';

class Track {
  onended: (() => void) | null = null;
  stopped = false;
  stop(): void {
    this.stopped = true;
  }
}

const screen = () => ({ video: new Track(), audio: new Track() }) as unknown as Screen & { video: Track; audio: Track };

function call() {
  const shown: (Screen | null)[] = [];
  return { shown, setScreen: async (screen: Screen | null) => void shown.push(screen) };
}

it('shows what was chosen until it is stopped', async () => {
  const [there, mine] = [call(), screen()];
  const share = new ScreenShare(there, async () => mine);
  expect(await share.start()).toBeNull();
  expect([share.on, there.shown]).toEqual([true, [mine]]);
  share.stop();
  expect([share.on, there.shown.at(-1), mine.video.stopped, mine.audio.stopped]).toEqual([false, null, true, true]);
  expect(await share.start(), 'and again').toBeNull();
});

it("ends with the browser's own button", async () => {
  const [there, mine] = [call(), screen()];
  const share = new ScreenShare(there, async () => mine);
  await share.start();
  mine.video.onended!();
  expect([share.on, there.shown]).toEqual([false, [mine, null]]);
});

it('shows nothing when the call has ended while the dialog was open', async () => {
  const [there, mine] = [call(), screen()];
  let choose!: (screen: Screen) => void;
  const share = new ScreenShare(there, () => new Promise((done) => (choose = done)));
  const started = share.start();
  share.close();
  choose(mine);
  expect(await started).toBeNull();
  expect([share.on, there.shown, mine.video.stopped]).toEqual([false, [], true]);
});

it.each([
  ['NotAllowedError', 'Permission denied', null],
  ['NotAllowedError', 'Permission denied by system', 'share.failed.system'],
  ['NotReadableError', 'Could not start video source', 'share.failed'],
])('of %s (%s) says %s', async (name, message, text) => {
  const share = new ScreenShare(call(), () => Promise.reject(new DOMException(message, name)));
  expect(await share.start()).toBe(text);
  expect(share.on).toBe(false);
});

it('asks one question at a time', async () => {
  let asked = 0;
  const share = new ScreenShare(call(), () => ((asked += 1), new Promise(() => undefined)));
  void share.start();
  expect(await share.start()).toBeNull();
  expect(asked).toBe(1);
});
