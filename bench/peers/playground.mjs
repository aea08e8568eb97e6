// A training loop in the manner of TensorFlow Playground: nodes and links are objects, every example goes forward and back by itself,
// derivatives add up in the links, and the weights change after a batch of them. Written for this comparison; needs Node 20.
//
// One request a line on standard input, one answer a line on standard output, both JSON:
//   echo '{"sizes": [2, 8, 8, 1], "batch": 32, "seconds": 0.5}' | node playground.mjs
import { createInterface } from "node:readline";

const RATE = 0.01;
const ACTIVATIONS = {
  linear: { of: z => z, slope: () => 1 },
  relu: { of: z => Math.max(0, z), slope: z => (z > 0 ? 1 : 0) },
  tanh: { of: Math.tanh, slope: z => 1 - Math.tanh(z) ** 2 },
  sigmoid: { of: z => 1 / (1 + Math.exp(-z)), slope: z => { const a = 1 / (1 + Math.exp(-z)); return a * (1 - a); } },
};

class Link {
  constructor(from, to, weight) {
    this.from = from;
    this.to = to;
    this.weight = weight;
    this.sum = 0;
  }
}

class Unit {
  constructor(activation) {
    this.activation = activation;
    this.links = []; // from the layer before
    this.onward = []; // to the layer after
    this.bias = 0;
    this.sum = 0; // of the bias's derivatives
    this.z = 0;
    this.output = 0;
    this.delta = 0; // dE/dz
    this.pull = 0; // dE/doutput
  }

  forward() {
    let z = this.bias;
    for (let i = 0; i < this.links.length; i++) z += this.links[i].weight * this.links[i].from.output;
    this.z = z;
    this.output = this.activation.of(z);
  }

  backward() {
    this.delta = this.pull * this.activation.slope(this.z);
    this.sum += this.delta;
    for (let i = 0; i < this.links.length; i++) this.links[i].sum += this.delta * this.links[i].from.output;
  }

  gatherPull() {
    let pull = 0;
    for (let i = 0; i < this.onward.length; i++) pull += this.onward[i].weight * this.onward[i].to.delta;
    this.pull = pull;
  }

  learn(scale) {
    this.bias -= scale * this.sum;
    this.sum = 0;
    for (let i = 0; i < this.links.length; i++) {
      const link = this.links[i];
      link.weight -= scale * link.sum;
      link.sum = 0;
    }
  }
}

class Network {
  constructor(sizes, activation, loss) {
    this.crossEntropy = loss === "cross-entropy";
    this.logistic = loss === "logistic";
    this.layers = sizes.map((width, l) => Array.from({ length: width }, () => new Unit(ACTIVATIONS[l < sizes.length - 1 ? activation : "linear"])));
    for (let l = 1; l < sizes.length; l++) {
      const bound = Math.sqrt(6 / (sizes[l - 1] + sizes[l]));
      for (const to of this.layers[l]) {
        for (const from of this.layers[l - 1]) {
          const link = new Link(from, to, bound * (2 * random() - 1));
          to.links.push(link);
          from.onward.push(link);
        }
      }
    }
  }

  forward(x) {
    const inputs = this.layers[0];
    for (let i = 0; i < inputs.length; i++) inputs[i].output = x[i];
    for (let l = 1; l < this.layers.length; l++) {
      for (const unit of this.layers[l]) unit.forward();
    }
  }

  backward(target) {
    this.compare(target);
    for (let l = this.layers.length - 1; l > 0; l--) {
      for (const unit of this.layers[l]) unit.backward();
      if (l === 1) return;
      for (const unit of this.layers[l - 1]) unit.gatherPull();
    }
  }

  /** dE/doutput of the outputs: softmax cross-entropy, logistic loss, or half the squared difference. */
  compare(target) {
    const outputs = this.layers[this.layers.length - 1];
    if (this.crossEntropy) {
      let largest = -Infinity, total = 0;
      for (const unit of outputs) largest = Math.max(largest, unit.output);
      for (const unit of outputs) total += unit.pull = Math.exp(unit.output - largest);
      for (let k = 0; k < outputs.length; k++) outputs[k].pull = outputs[k].pull / total - target[k];
    } else {
      for (let k = 0; k < outputs.length; k++) {
        outputs[k].pull = this.logistic ? -target[k] / (1 + Math.exp(target[k] * outputs[k].output)) : outputs[k].output - target[k];
      }
    }
  }

  learn(scale) {
    for (let l = 1; l < this.layers.length; l++) {
      for (const unit of this.layers[l]) unit.learn(scale);
    }
  }
}

let state = 1;

/** Uniform in [0, 1), the same in every run (Marsaglia's xorshift). */
function random() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 4294967296;
}

function data(count, inputs, outputs) {
  return Array.from({ length: count }, () => {
    const x = Array.from({ length: inputs }, () => (inputs < 49 ? 2 * random() - 1 : random() < 0.19 ? random() : 0));
    const label = outputs === 1 ? (x.reduce((a, b) => a + b, 0) > 0 ? 1 : -1) : Math.floor(random() * outputs);
    return { x, target: outputs === 1 ? [label] : Array.from({ length: outputs }, (_, k) => (k === label ? 1 : 0)) };
  });
}

function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j], list[i]];
  }
}

/** What makes one update. */
function prepare({ sizes, activation = "tanh", loss = "squared", batch = 32, set = 4096 }) {
  state = 1;
  const network = new Network(sizes, activation, loss);
  const examples = data(Math.max(batch, Math.min(set, Math.ceil(4e6 / sizes[0]))), sizes[0], sizes[sizes.length - 1]);
  let next = examples.length;
  return () => {
    if (next + batch > examples.length) {
      shuffle(examples);
      next = 0;
    }
    for (let b = 0; b < batch; b++) {
      const { x, target } = examples[next++];
      network.forward(x);
      network.backward(target);
    }
    network.learn(RATE / batch);
  };
}

/** Mean microseconds of one call, over at least one, by the wall and of processor time; the clock is read every so often. */
function perCall(work, seconds) {
  const before = process.cpuUsage(), start = performance.now(), end = start + 1000 * seconds;
  let calls = 0, stride = 1, now = start;
  do {
    for (let i = 0; i < stride; i++) work();
    calls += stride;
    const last = now;
    now = performance.now();
    if (now - last < 1) stride *= 2;
  } while (now < end);
  const { user, system } = process.cpuUsage(before);
  return { microseconds: 1000 * (now - start) / calls, processorMicroseconds: (user + system) / calls };
}

console.log(JSON.stringify({ name: `per-example loop, Node ${process.versions.node}`, threads: 1 }));
let kept, work;
for await (const line of createInterface({ input: process.stdin })) {
  const { seconds = 0.2, warmUp = 0.2, ...request } = JSON.parse(line);
  const key = JSON.stringify(request);
  if (key !== kept) {
    work = prepare(request);
    kept = key;
    perCall(work, warmUp);
  }
  console.log(JSON.stringify(perCall(work, seconds)));
}
