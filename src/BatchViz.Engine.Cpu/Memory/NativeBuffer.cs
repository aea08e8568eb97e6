using System.Runtime.InteropServices;

namespace BatchViz.Engine.Cpu.Memory;

/// <summary>
/// Floats outside the managed heap, 64-byte-aligned and zero at first. A <see cref="SafeHandle"/>: freed once, by Dispose or the
/// finaliser, and not before the last <see cref="Hold"/> on it ends, so disposing it while another thread reads is safe.
/// </summary>
internal sealed unsafe class NativeBuffer : SafeHandle
{
    private const int Alignment = 64;
    private static long held;

    /// <summary>Bytes of all buffers of this process now.</summary>
    public static long Held => Interlocked.Read(ref held);

    /// <exception cref="OutOfMemoryException">There is no such memory.</exception>
    public NativeBuffer(long floats)
        : base(0, ownsHandle: true)
    {
        nuint bytes = checked((nuint)Math.Max(floats, 1) * sizeof(float));
        Count = floats;
        SetHandle((nint)NativeMemory.AlignedAlloc(bytes, Alignment));
        NativeMemory.Clear((void*)handle, bytes);
        GC.AddMemoryPressure((long)bytes);
        Interlocked.Add(ref held, (long)bytes);
    }

    /// <summary>Number of floats.</summary>
    public long Count { get; }

    /// <summary>The floats; valid while the caller keeps this buffer alive (its own field, or a <see cref="Hold"/>).</summary>
    public float* Pointer => (float*)handle;

    public override bool IsInvalid => handle == 0;

    /// <summary>Keeps the memory until the returned hold is disposed.</summary>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed.</exception>
    public BufferHold Hold()
    {
        bool held = false;
        DangerousAddRef(ref held);
        return new BufferHold(this);
    }

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        GC.RemoveMemoryPressure(Math.Max(Count, 1) * sizeof(float));
        Interlocked.Add(ref held, -Math.Max(Count, 1) * sizeof(float));
        return true;
    }
}

/// <summary>A use of a buffer; dispose exactly once.</summary>
internal readonly unsafe ref struct BufferHold(NativeBuffer buffer)
{
    public float* Pointer => buffer.Pointer;

    public void Dispose() => buffer.DangerousRelease();
}
