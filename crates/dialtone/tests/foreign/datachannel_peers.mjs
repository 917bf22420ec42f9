// Two peers of node-datachannel (libdatachannel, libjuice) open a data channel through a TURN
// server alone. Arguments: the module's folder, HOST, PORT, USER, PASSWORD. Prints one line, "ok".

import { createRequire } from 'node:module';

const [folder, hostname, port, username, password] = process.argv.slice(2);
const { PeerConnection } = createRequire(folder + '/')('node-datachannel');
const MESSAGES = 50;

const options = {
  iceServers: [{ hostname, port: Number(port), username, password, relayType: 'TurnUdp' }],
  iceTransportPolicy: 'relay',
};
const [alice, bob] = ['alice', 'bob'].map((name) => new PeerConnection(name, options));
for (const [one, other] of [[alice, bob], [bob, alice]]) {
  one.onLocalDescription((sdp, type) => other.setRemoteDescription(sdp, type));
  one.onLocalCandidate((candidate, mid) => {
    if (!candidate.includes('typ relay')) fail(`not relayed: ${candidate}`);
    other.addRemoteCandidate(candidate, mid);
  });
}

const texts = Array.from({ length: MESSAGES }, (_, number) => `${number} `.repeat(number + 1));
bob.onDataChannel((channel) => channel.onMessage((text) => channel.sendMessage(text)));
const channel = alice.createDataChannel('hello');
const echoed = [];
channel.onOpen(() => texts.forEach((text) => channel.sendMessage(text)));
channel.onMessage((text) => {
  echoed.push(text);
  if (echoed.length < MESSAGES) return;
  if (echoed.some((text, at) => text !== texts[at])) fail('other texts came back');
  const { local, remote } = alice.getSelectedCandidatePair();
  if (local.type !== 'relay' || remote.type !== 'relay') fail(JSON.stringify([local, remote]));
  console.log('ok');
  process.exit(0);
});
setTimeout(() => fail(`not within 30 s; ${echoed.length} came back`), 30_000);

function fail(reason) {
  console.error(reason);
  process.exit(1);
}
