"use strict";
// Loaded before the jsii kernel (node --require). Changes no output of cdktf; see docs/architecture.md.
const fs = require("fs");
const Module = require("module");
const path = require("path");

// 1. What is synthesized goes to the harness over a descriptor that the code under test does not hold.
const REPORT_FD = Number(process.env.ASSAY_REPORT_FD);
const report = (entry) => fs.writeSync(REPORT_FD, JSON.stringify(entry) + "\n");
report({ ready: process.version });
const writeFileSync = fs.writeFileSync;
fs.writeFileSync = function (file, data, ...rest) {
  const result = writeFileSync.call(this, file, data, ...rest);
  if (typeof file === "string" && path.basename(file) === "cdk.tf.json") {
    report({ stack: path.basename(path.dirname(file)), json: String(data) });
  }
  return result;
};
process.on("exit", () => {
  const used = process.resourceUsage();
  report({ cpu: (used.userCPUTime + used.systemCPUTime) / 1e6, peak: used.maxRSS * 1024 });
});

// 2. The kernel talks on descriptor 3; ours keeps the number that it was handed in with.
const KERNEL_FD = Number(process.env.ASSAY_KERNEL_FD);
const { readSync, writeSync } = fs;
fs.readSync = (fd, ...rest) => readSync(fd === 3 ? KERNEL_FD : fd, ...rest);
fs.writeSync = (fd, ...rest) => writeSync(fd === 3 ? KERNEL_FD : fd, ...rest);

// 3. The provider's index requires 2,200 modules; a getter requires the ones that are used.
const compile = Module.prototype._compile;
Module.prototype._compile = function (content, filename, ...rest) {
  if (filename.endsWith(path.join("lib", "index.js")) && content.length > 100000) {
    content = content.replace(
      /^exports\.(\w+) = require\("(\.\/[\w-]+)"\);$/gm,
      'Object.defineProperty(exports,"$1",{enumerable:true,configurable:true,get(){return require("$2")}});'
    );
  }
  const result = compile.call(this, content, filename, ...rest);
  if (filename.endsWith(path.join("node_modules", "cdktf", "lib", "index.js"))) watchElements(this.exports);
  return result;
};

// 4. A value that cannot be resolved fails far from the line that wrote it; which element it belongs to is known here.
let element = null;
function watchElements(cdktf) {
  for (const name of ["TerraformResource", "TerraformDataSource", "TerraformProvider", "TerraformOutput", "TerraformModule"]) {
    const toTerraform = cdktf[name].prototype.toTerraform;
    cdktf[name].prototype.toTerraform = function (...args) {
      element = this.node.path;
      return toTerraform.apply(this, args);
    };
  }
  const synth = cdktf.App.prototype.synth;
  cdktf.App.prototype.synth = function (...args) {
    element = null;
    try {
      return synth.apply(this, args);
    } catch (error) {
      if (element !== null) report({ failed: element });
      throw error;
    }
  };
}

// 5. The package cache is mounted read-only: the time stamp that marks its last use cannot be set.
const lutimesSync = fs.lutimesSync;
fs.lutimesSync = function (...args) {
  try {
    return lutimesSync.apply(this, args);
  } catch (error) {
    if (!["EROFS", "EACCES", "EPERM"].includes(error.code)) throw error;
  }
};

// 6. A folder name that does not change lets V8 reuse the compiled code of the run before.
const mkdtempSync = fs.mkdtempSync;
fs.mkdtempSync = function (prefix, ...rest) {
  if (!String(prefix).endsWith("jsii-kernel-")) return mkdtempSync.call(this, prefix, ...rest);
  try {
    fs.mkdirSync(prefix + "modules");
    return prefix + "modules";
  } catch (error) {
    return mkdtempSync.call(this, prefix, ...rest); // without a sandbox, another kernel may have the name
  }
};
if (process.env.ASSAY_COMPILED) Module.enableCompileCache(process.env.ASSAY_COMPILED);
