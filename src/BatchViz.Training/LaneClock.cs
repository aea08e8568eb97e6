using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BatchViz.Training;

/// <summary>Processor seconds of the calling thread. On Linux and macOS its own processor time; elsewhere time on the wall.</summary>
public static partial class LaneClock
{
    private static readonly int ThreadCpu =
        OperatingSystem.IsLinux() ? 3
        : OperatingSystem.IsMacOS() ? 16
        : -1;

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds,
            Nanoseconds;
    }

    public static double Seconds
    {
        get
        {
            if (ThreadCpu >= 0 && GetTime(ThreadCpu, out var t) == 0)
                return t.Seconds + t.Nanoseconds * 1e-9;
            return Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
        }
    }

    /// <summary>
    /// Lets everything else on the machine go first: a nice value for this thread (Linux; .NET's thread priorities do nothing there).
    /// </summary>
    public static void YieldToOthers(int nice)
    {
        if (OperatingSystem.IsLinux())
            _ = SetPriority(0, 0, nice);
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, out Timespec time);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
