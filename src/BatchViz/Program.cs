using BatchViz.Cli;

return await CommandLine.Root().Parse(args).InvokeAsync();
