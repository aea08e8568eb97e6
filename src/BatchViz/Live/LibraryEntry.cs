using System.Globalization;
using BatchViz.Recording;

namespace BatchViz.Live;

public enum LibraryState { OnAir, Elsewhere, Finished, Diverged, Failed, Stopped, Interrupted, Unreadable }

/// <summary>A recording of the library, as far as can be told without opening it.</summary>
public sealed record LibraryEntry
{
    /// <summary>The name of its folder, by which it is asked for.</summary>
    public required string Key { get; init; }

    /// <summary>Null where it cannot be read, and <see cref="Problem"/> says why.</summary>
    public RecordingManifest? Manifest { get; init; }

    public string? Problem { get; init; }

    public IReadOnlyList<RunGlance> Runs { get; init; } = [];

    /// <summary>On the disk.</summary>
    public long Bytes { get; init; }

    /// <summary>When it was begun; of one that cannot be read, when its folder was last changed.</summary>
    public DateTimeOffset Created { get; init; }

    public LibraryState State { get; init; }

    /// <summary>The state in a few words.</summary>
    public string Says { get; init; } = "";

    /// <summary>Its saved landscape, drawn small; null where there is none.</summary>
    public RecordingPicture? Picture => picture?.Value;

    public string Name => Manifest?.Name ?? Key;

    public string Title => Manifest?.Title ?? "";

    /// <summary>Updates of all runs together.</summary>
    public long Updates => Runs.Sum(run => run.Updates);

    public IReadOnlyList<string> Damages => [.. Runs.Where(run => run.Damage is not null).Select(run => $"{run.Damage}.")];

    /// <summary>Whether there is anything left to train.</summary>
    public bool Resumable => State is LibraryState.Stopped or LibraryState.Interrupted or LibraryState.Failed && Runs.Any(run => run.Unfinished);

    /// <summary>Made when first asked for, and not again while nothing has changed.</summary>
    private Lazy<RecordingPicture?>? picture;

    public LibraryEntry WithPicture(Func<RecordingPicture?> draw) => this with { picture = new(draw) };

    /// <summary>What its runs' ends make of it, while nobody has it.</summary>
    public LibraryEntry WithStateOfRuns()
    {
        if (Manifest is null) return this with { State = LibraryState.Unreadable, Says = "Unreadable" };
        string After(Func<RunGlance, bool> which) => Runs.Where(which).Max(run => run.Updates).ToString("#,0", CultureInfo.InvariantCulture);
        string Share(RunState which)
        {
            int some = Runs.Count(run => run.State == which);
            return some == Runs.Count ? "" : $"{some} of {Runs.Count} ";
        }
        if (Runs.Any(run => run.Interrupted)) return this with { State = LibraryState.Interrupted, Says = $"Interrupted after update {After(run => run.Interrupted)}" };
        if (Runs.Any(run => run.State == RunState.Stopped && run.Unfinished)) return this with { State = LibraryState.Stopped, Says = $"Stopped after update {After(run => run.State == RunState.Stopped)}" };
        if (Runs.Any(run => run.State == RunState.Failed)) return this with { State = LibraryState.Failed, Says = Capital($"{Share(RunState.Failed)}failed") };
        if (Runs.Any(run => run.State == RunState.Diverged)) return this with { State = LibraryState.Diverged, Says = Capital($"{Share(RunState.Diverged)}diverged") };
        return this with { State = LibraryState.Finished, Says = "Finished" };
    }

    private static string Capital(string words) => char.ToUpperInvariant(words[0]) + words[1..];
}
