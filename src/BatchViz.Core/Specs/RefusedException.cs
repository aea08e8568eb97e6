namespace BatchViz.Core.Specs;

/// <summary>Input that is refused. The message is one clear sentence for people, naming what is wrong and where.</summary>
public sealed class RefusedException(string message) : Exception(message);
