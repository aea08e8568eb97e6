using BatchViz.Core.Engines;
using BatchViz.Recording.Storage;

namespace BatchViz.Live;

/// <summary>
/// The files of an experiment on the air, and the engine that it was opened with. Both are let go of when the last experiment that
/// uses them ends: one that is taken up again uses those of the one before it.
/// </summary>
public sealed class OpenRecording(IFiles files, IEngine engine, Action? letGo = null) : IDisposable
{
    private int users = 1;

    public IFiles Files { get; } = files;

    public IEngine Engine { get; } = engine;

    /// <summary>In the library; null of an experiment that is kept in memory only.</summary>
    public string? Key { get; init; }

    /// <summary>Another writes it, or nobody can.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Why it is not recorded, in a sentence; null where it is, or nobody wanted it.</summary>
    public string? Problem { get; init; }

    /// <summary>Bytes on the disk.</summary>
    public long Bytes => Key is null ? 0 : Library.BytesOf(Files.Place);

    public OpenRecording Share()
    {
        Interlocked.Increment(ref users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref users) > 0)
            return;
        Files.Dispose();
        letGo?.Invoke();
    }
}
