using BatchViz.Core.Specs;

namespace BatchViz.Recordings;

public enum ExportFormat
{
    Bviz,
    Csv,
    TensorBoard,
    Safetensors,
    Html,
}

/// <summary>What is to be exported of a recording.</summary>
/// <param name="Run">Of one run alone; null: of all.</param>
/// <param name="Update">safetensors: the weights after this update, too.</param>
/// <param name="Batches">safetensors: so many batches after the weights.</param>
public sealed record ExportRequest(ExportFormat To, string? Run = null, long? Update = null, int Batches = ExportRequest.DefaultBatches)
{
    public const int DefaultBatches = 100,
        MostBatches = 1_000_000;

    public static readonly (string Word, ExportFormat Format)[] Words =
    [
        ("bviz", ExportFormat.Bviz),
        ("csv", ExportFormat.Csv),
        ("tensorboard", ExportFormat.TensorBoard),
        ("safetensors", ExportFormat.Safetensors),
        ("html", ExportFormat.Html),
    ];

    public string Word => Words.Single(word => word.Format == To).Word;

    /// <summary>One file, rather than a folder of them.</summary>
    public bool IsFile => To is ExportFormat.Bviz or ExportFormat.Html;

    /// <summary>What an export of a recording of this name is called, where nothing else is said.</summary>
    public string NameFor(string recording) => IsFile ? $"{recording}.{Word}" : $"{recording}-{Word}";

    /// <exception cref="RefusedException">One sentence: these things do not go together.</exception>
    public static ExportRequest Of(string to, string? run, long? update, int? batches)
    {
        var word = Words.FirstOrDefault(w => w.Word == to);
        if (word.Word is null)
            throw new RefusedException($"A recording is exported to {string.Join(", ", Words.Select(w => w.Word))}, not to \"{to}\".");
        var request = new ExportRequest(word.Format, run, update, batches ?? DefaultBatches);
        if (run is not null && request.IsFile)
            throw new RefusedException($"\"run\" does not apply to {to}, which holds all runs.");
        if (word.Format != ExportFormat.Safetensors && (update ?? batches) is not null)
            throw new RefusedException($"\"{(update is null ? "batches" : "update")}\" applies to safetensors alone, not to {to}.");
        if (update < 0)
            throw new RefusedException($"\"update\" is {update}; it must be 0 or more.");
        return request.Batches is >= 0 and <= MostBatches
            ? request
            : throw new RefusedException($"\"batches\" is {batches}; it must be a whole number from 0 to {MostBatches:#,0}.");
    }
}
