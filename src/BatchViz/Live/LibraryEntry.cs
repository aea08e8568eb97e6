using System.Globalization;
using BatchViz.Core.Specs;
using BatchViz.Recording;
using BatchViz.Telemetry;
using static BatchViz.Core.Language;

namespace BatchViz.Live;

public enum LibraryState
{
    OnAir,
    Elsewhere,
    Finished,
    Diverged,
    Failed,
    Stopped,
    Interrupted,
    Unreadable,
}

/// <summary>A recording of the library, as far as can be told without opening it.</summary>
public sealed record LibraryEntry
{
    /// <summary>The name of its folder, by which it is asked for.</summary>
    public required string Key { get; init; }

    /// <summary>Null where it cannot be read, and <see cref="Problem"/> says why.</summary>
    public RecordingManifest? Manifest { get; init; }

    public string? Problem { get; init; }

    public IReadOnlyList<RunSummary> Runs { get; init; } = [];

    /// <summary>On the disk.</summary>
    public long Bytes { get; init; }

    /// <summary>When it was begun; of one that cannot be read, when its folder was last changed.</summary>
    public DateTimeOffset Created { get; init; }

    public LibraryState State { get; init; }

    /// <summary>The state in a few words.</summary>
    public string Says => Tr(Said.English, Said.Chinese);

    /// <summary>In both languages, since an entry is kept and shown to owners of either.</summary>
    public (string English, string Chinese) Said { get; init; } = ("", "");

    /// <summary>Its saved landscape, drawn small; null where there is none.</summary>
    public RecordingPicture? Picture => picture?.Value;

    /// <summary>Of its batch sizes, as the experiment's page has them; null where it cannot be read.</summary>
    public RunColours? Colours => Manifest is { } manifest ? RunColours.Of(manifest) : null;

    public string Name => Manifest?.Name ?? Key;

    public string Title => Manifest?.Title is { } title ? Tr(title, Titles.InChinese(title)) : "";

    /// <summary>Updates of all runs together.</summary>
    public long Updates => Runs.Sum(run => run.Updates);

    public IReadOnlyList<string> Damages => [.. Runs.Where(run => run.Damage is not null).Select(run => $"{run.Damage}.")];

    /// <summary>Whether there is anything left to train.</summary>
    public bool Resumable =>
        State is LibraryState.Stopped or LibraryState.Interrupted or LibraryState.Failed && Runs.Any(run => run.Unfinished);

    /// <summary>Made when first asked for, and not again while nothing has changed.</summary>
    private Lazy<RecordingPicture?>? picture;

    public LibraryEntry WithPicture(Func<RecordingPicture?> draw) => this with { picture = new(draw) };

    /// <summary>What its runs' ends make of it, while nobody has it.</summary>
    public LibraryEntry WithStateOfRuns()
    {
        if (Manifest is null)
            return this with { State = LibraryState.Unreadable, Said = ("Unreadable", "无法读取") };
        string After(Func<RunSummary, bool> which) =>
            Runs.Where(which).Max(run => run.Updates).ToString("#,0", CultureInfo.InvariantCulture);
        string Share(RunState which)
        {
            int some = Runs.Count(run => run.State == which);
            return some == Runs.Count ? "" : $"{some} of {Runs.Count} ";
        }
        string Part(RunState which) => Share(which).Length == 0 ? "" : $"{Runs.Count} 个运行中 {Runs.Count(run => run.State == which)} 个";
        if (Runs.Any(run => run.Interrupted))
            return this with
            {
                State = LibraryState.Interrupted,
                Said = ($"Interrupted after update {After(run => run.Interrupted)}", $"在第 {After(run => run.Interrupted)} 次更新后中断"),
            };
        if (Runs.Any(run => run.State == RunState.Stopped && run.Unfinished))
            return this with
            {
                State = LibraryState.Stopped,
                Said = (
                    $"Stopped after update {After(run => run.State == RunState.Stopped)}",
                    $"在第 {After(run => run.State == RunState.Stopped)} 次更新后停止"
                ),
            };
        if (Runs.Any(run => run.State == RunState.Failed))
            return this with
            {
                State = LibraryState.Failed,
                Said = (Capital($"{Share(RunState.Failed)}failed"), $"{Part(RunState.Failed)}失败"),
            };
        if (Runs.Any(run => run.State == RunState.Diverged))
            return this with
            {
                State = LibraryState.Diverged,
                Said = (Capital($"{Share(RunState.Diverged)}diverged"), $"{Part(RunState.Diverged)}发散"),
            };
        return this with { State = LibraryState.Finished, Said = ("Finished", "已完成") };
    }

    private static string Capital(string words) => char.ToUpperInvariant(words[0]) + words[1..];
}
