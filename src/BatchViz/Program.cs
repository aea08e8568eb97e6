using BatchViz.Cli;

return await CommandLine.Run(args);
