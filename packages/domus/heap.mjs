const h = () => {
  globalThis.gc();
  globalThis.gc();
  return (process.memoryUsage().heapUsed / 1e6).toFixed(2);
};
await import('@flaminia/delivery-a1');
console.log('base', h());
for (const m of process.argv.slice(2)) {
  try {
    await import(m);
    console.log(m, h());
  } catch (e) {
    console.log(m, e.code);
  }
}
