// Runs before everything else, also with a node that is too old for the syntax of the rest.
var found = process.versions.node;
var parts = found.split(".").map(Number);
var isFit = (parts[0] === 20 && parts[1] >= 19) || (parts[0] === 22 && parts[1] >= 12) || parts[0] > 22;
if (!isFit) {
  console.error("node " + found + " is too old: vite needs 20.19 or newer of 20, or 22.12 or newer (nodejs.org has it)");
  process.exit(2);
}
