// Our engine as the page has it: the built worker, asked with the page's messages.
const waiting = new Map();
let worker;
let count = 0;

async function ask(request) {
  const id = ++count;
  const reply = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  worker.postMessage({ id, ...request });
  return reply;
}

async function open() {
  const { worker: name } = await (await fetch("/files/ours.json")).json();
  worker = new Worker(`/ours/${name}`);
  worker.onerror = (event) => console.error(event.message);
  worker.onmessage = ({ data }) => {
    if (data.kind === "progress") return;
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.kind === "error") reject(new Error(data.message));
    else resolve(data);
  };
}

const REQUESTS = {
  classify: ([text]) => ({ kind: "classify", text }),
  ask: ([question, passage]) => ({ kind: "answer", question, passage }),
};

globalThis.first = async (task, inputs) => {
  await open();
  await ask({ kind: "load", slot: task, url: `/files/${task}.tflite` });
  return JSON.stringify((await ask(REQUESTS[task](inputs))).result);
};

globalThis.timed = async (task, inputs, repeats) => {
  const times = [];
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    await ask(REQUESTS[task](inputs));
    times.push(performance.now() - start);
  }
  return times;
};
