using System.Runtime.InteropServices;

namespace BatchViz.Engine.Torch;

/// <summary>
/// The C library's allocator, from which tensors on a CPU come. As it is set, glibc gives large blocks back to the system when they are
/// freed and has their pages cleared when they are wanted again, which an update of a convolutional net pays for every time: half its time where
/// activations take megabytes. Here it keeps them until a bundle ends.
/// </summary>
internal static class HostAllocator
{
    /// <summary>mallopt's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD.</summary>
    private const int TrimThreshold = -1, MapThreshold = -3;

    private const int KeptBytes = 1 << 30, BlockBytes = 1 << 28;

    private static bool keeps;

    /// <summary>Keeps up to 1 GiB of freed memory at the end of each heap. Blocks above 256 MiB are the system's as before.</summary>
    public static void Keep()
    {
        if (keeps || !OperatingSystem.IsLinux()) return;
        try
        {
            keeps = mallopt(TrimThreshold, KeptBytes) != 0 && mallopt(MapThreshold, BlockBytes) != 0;
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library, with an allocator of its own.
        }
    }

    /// <summary>Gives what is free back to the system.</summary>
    public static void GiveBack()
    {
        if (keeps) malloc_trim(0);
    }

    [DllImport("libc")]
    private static extern int mallopt(int parameter, int value);

    [DllImport("libc")]
    private static extern int malloc_trim(nuint pad);
}
