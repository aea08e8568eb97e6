using System.Runtime.InteropServices;

namespace BatchViz.Engine.Torch;

/// <summary>
/// The C library's allocator, from which tensors on a CPU come. As it is set, glibc gives large blocks back to the system when they are
/// freed and has their pages cleared when they are wanted again, which an update of a convolutional net pays for every time: up to half its
/// time where activations take megabytes. Here it keeps them for the next update, for the whole process. What it keeps goes back when a
/// large bundle ends.
/// </summary>
internal static class HostAllocator
{
    /// <summary>mallopt's M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD.</summary>
    private const int TrimThreshold = -1,
        TopPad = -2,
        MapThreshold = -3;

    private const int KeptBytes = 1 << 30,
        PadBytes = 1 << 26,
        BlockBytes = 1 << 28;

    /// <summary>A bundle of fewer bytes leaves nothing that is worth looking for.</summary>
    private const long WorthGivingBack = 1 << 26;

    private static readonly Lock Once = new();
    private static bool tried,
        keeps;

    /// <summary>
    /// Keeps up to 1 GiB at the end of each heap. Blocks above 256 MiB are the system's as before, and those above 64 MiB on a thread
    /// of its own, whose heaps are no larger.
    /// </summary>
    public static void Keep()
    {
        if (!OperatingSystem.IsLinux())
            return;
        lock (Once)
        {
            if (tried)
                return;
            tried = true;
            try
            {
                // Any of them ends glibc's own adaptation, so the first one decides.
                keeps = mallopt(MapThreshold, BlockBytes) != 0 && mallopt(TrimThreshold, KeptBytes) != 0 && mallopt(TopPad, PadBytes) != 0;
            }
            catch (EntryPointNotFoundException)
            {
                // Another C library, with an allocator of its own.
            }
        }
    }

    /// <summary>Gives what is free back to the system after a bundle of some bytes.</summary>
    public static void GiveBack(long bytes)
    {
        if (keeps && bytes >= WorthGivingBack)
            malloc_trim(0);
    }

    [DllImport("libc")]
    private static extern int mallopt(int parameter, int value);

    [DllImport("libc")]
    private static extern int malloc_trim(nuint pad);
}
