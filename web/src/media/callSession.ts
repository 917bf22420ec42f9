// The buttons of headsets and lock screens, and the system's own window of the call.

export interface CallButtons {
  microphone(): void;
  camera(): void;
  hangUp(): void;
}

/** Not in every browser, and so not in its types. */
type Actions = Record<'togglemicrophone' | 'togglecamera' | 'hangup', () => void>;
type Session = Omit<MediaSession, 'setActionHandler'> & {
  setActionHandler(action: string, handler: (() => void) | null): void;
  setMicrophoneActive?(active: boolean): void;
  setCameraActive?(active: boolean): void;
};

const session = (): Session | null => (globalThis.navigator?.mediaSession as Session | undefined) ?? null;

/** Takes the buttons for a call; undone by what is returned. */
export function takeButtons({ microphone, camera, hangUp }: CallButtons): () => void {
  const actions: Actions = { togglemicrophone: microphone, togglecamera: camera, hangup: hangUp };
  for (const [action, handler] of Object.entries(actions)) handle(action, handler);
  return () => {
    for (const action of Object.keys(actions)) handle(action, null);
    const here = session();
    if (here) here.metadata = null;
  };
}

/** Says who is there, and what is on. */
export function showCall(title: string, app: string, media: { audio: boolean; video: boolean }): void {
  const here = session();
  if (!here) return;
  here.metadata = new MediaMetadata({ title, artist: app, artwork: [{ src: '/icon-512.png', sizes: '512x512', type: 'image/png' }] });
  here.setMicrophoneActive?.(media.audio);
  here.setCameraActive?.(media.video);
}

function handle(action: string, handler: (() => void) | null): void {
  try {
    session()?.setActionHandler(action, handler);
  } catch {
    // A browser refuses actions that it does not know.
  }
}
