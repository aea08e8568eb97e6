#!/usr/bin/env bash
# The pictures of the ready experiments in examples/pictures: each is run once, images for a short while only, and its landscape drawn.
#   examples/pictures.sh BATCHVIZ    where BATCHVIZ starts the program, such as "dotnet src/BatchViz/bin/Debug/net10.0/batchviz.dll"
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/recordings"
for file in "$here"/*.json; do
  # Two thousand digits at most, and batches that fit.
  node -e '
    const spec = JSON.parse(require("fs").readFileSync(process.argv[1]));
    delete spec.$schema;
    if (["mnist", "fashion-mnist", "pairs"].includes(spec.data.kind)) {
      spec.data.trainExamples = 2000;
      spec.data.testExamples = 500;
      spec.batchSizes = spec.batchSizes.map((size) => Math.min(size, 2000) || size);
      if (typeof spec.learningRate === "object" && spec.learningRate["4096"]) spec.learningRate["2000"] = spec.learningRate["4096"];
      if (spec.budget.updates) spec.budget.updates = Math.min(spec.budget.updates, 300);
    }
    console.log(JSON.stringify(spec));' "$file" > "$work/spec.json"
  $1 run "$work/spec.json" --out "$work/recordings/$(basename "$file" .json)" > /dev/null
done
$1 pictures "$work/recordings" --out "$here/pictures"
