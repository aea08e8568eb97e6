namespace BatchViz.Tests;

/// <summary>How long tests wait for what is bound to happen.</summary>
internal static class Timeouts
{
    /// <summary>It only keeps a broken build from hanging: no machine that works, however busy, is to need as long.</summary>
    public static readonly TimeSpan Hang = TimeSpan.FromMinutes(10);
}
