const [name, begin, end, link, events] = ['name', 'begin', 'end', 'link', 'events'].map((id) => document.getElementById(id));
const call = document.querySelector('dialtone-call');

begin.onclick = async () => {
  // The part behind the # keeps the call between the two: it is made here, and given to the other one only.
  link.href = customElements.get('dialtone-call').newLink();
  // Only what stands before it is told to the site, whose server lets its visitor in by a token.
  const query = new URLSearchParams({ room: new URL(link.href).pathname.slice(1), name: name.value });
  const { token } = await (await fetch(`/token?${query}`, { method: 'POST' })).json();
  call.setAttribute('token', token);
  call.setAttribute('name', name.value);
  call.setAttribute('link', link.href);
};
end.onclick = () => call.hangUp();

for (const type of ['ready', 'joined', 'peerjoined', 'peerleft', 'statechange', 'ended', 'error']) {
  call.addEventListener(type, ({ detail }) => {
    const line = document.createElement('li');
    line.textContent = `${type} ${JSON.stringify(detail)}`;
    events.append(line);
  });
}
