using System.CommandLine;
using BatchViz.Bench;
using BatchViz.Bench.Soak;
using BatchViz.Cli;

var root = new RootCommand("Measures BatchViz on this machine, beside its peers, and tries to break it.");
EngineBench.AddTo(root);
LandscapeBench.AddTo(root);
ProbesBench.AddTo(root);
RecorderBench.AddTo(root);
SoakCommand.AddTo(root);
KilledCommand.AddTo(root);
root.SetAction(_ => CommandLine.Refuse("Name a benchmark: engine, landscape, probes, recorder or soak."));
var parsed = root.Parse(args);
return parsed.Errors.Count > 0
    ? CommandLine.Refuse(parsed.Errors[0].Message)
    : await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
