import { Call, DeviceKey, randomId, Signaling } from '/rtc/index.js';

const [begin, end, link, state, picture] = ['begin', 'end', 'link', 'state', 'picture'].map((id) => document.getElementById(id));
const origin = document.body.dataset.server;

begin.onclick = async () => {
  const [room, secret, name] = [randomId(), randomId(), 'Door'];
  link.href = `${origin}/${room}#${secret}`;
  const { token } = await (await fetch(`/token?${new URLSearchParams({ room, name })}`, { method: 'POST' })).json();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [[audio], [video]] = [stream.getAudioTracks(), stream.getVideoTracks()];

  const signaling = new Signaling({ origin, device: DeviceKey.create(), ...(token && { token }) });
  const call = new Call({ signaling, door: { room, secret }, name, media: { audio: true, video: true }, tracks: { audio, video } });
  call.subscribe(({ phase, peers }) => {
    state.dataset.callState = phase;
    // The same stream again would begin anew.
    const remote = peers[0]?.stream ?? null;
    if (picture.srcObject !== remote) picture.srcObject = remote;
    if (phase === 'ended' || phase === 'refused') {
      for (const track of stream.getTracks()) track.stop();
      signaling.stop();
    }
  });
  end.onclick = () => call.hangup();
  signaling.start();
  await call.join();
};
