using System.Text.Json;
using System.Text.Json.Serialization;
using BatchViz.Training;

namespace BatchViz.Api;

/// <summary>How far what was asked for is.</summary>
/// <param name="Progress">From 0 to 1.</param>
/// <param name="Updates">That must be made once more.</param>
/// <param name="Seconds">That they took the first time; null where that is not known.</param>
[TypeScript]
public sealed record UnderWay([property: Finite] double Progress, long Updates, double? Seconds);

/// <summary>Why there is no answer, in one sentence.</summary>
[TypeScript]
public sealed record Refusal(string Error);

/// <summary>One batch, recomputed.</summary>
[TypeScript]
public sealed record Batch
{
    public required string Run { get; init; }

    public required long Update { get; init; }

    public required int BatchSize { get; init; }

    /// <summary>A short batch at its epoch's end.</summary>
    public required bool Remainder { get; init; }

    /// <summary>In which it begins, from 1.</summary>
    public required long Epoch { get; init; }

    /// <summary>Every deterministic column by name.</summary>
    public required IReadOnlyDictionary<string, double> Record { get; init; }

    /// <summary>The record was kept, too, and differs by at most <see cref="Deviation"/>.</summary>
    public required bool Recorded { get; init; }

    /// <summary>Relative; 0: the same bits.</summary>
    public required double Deviation { get; init; }

    /// <summary>The column that differs most; null: the same bits.</summary>
    public required ColumnDifference? Difference { get; init; }

    public required long UpdatesReplayed { get; init; }

    public required FullGradient Full { get; init; }

    /// <summary>At the weights before the update, in the batch's order.</summary>
    public required IReadOnlyList<BatchExample> Examples { get; init; }

    public static Batch Of(Run run, ReplayedBatch batch) =>
        new()
        {
            Run = batch.Run,
            Update = batch.Update,
            BatchSize = batch.Examples.Count,
            Remainder = batch.Remainder,
            Epoch = batch.Epoch,
            Record = run.Log.Layout.Columns.Zip(batch.Record).ToDictionary(pair => pair.First.Name, pair => (double)pair.Second),
            Recorded = batch.Recorded,
            Deviation = batch.Deviation,
            Difference = batch.Difference is { } most
                ? new(run.Log.Layout.Columns[most.Column].Name, most.Now, most.Recorded, most.Absolute, most.Relative)
                : null,
            UpdatesReplayed = batch.UpdatesReplayed,
            Full = new(batch.Full.Norm, batch.Full.Cosine, batch.Full.Degrees, batch.Full.Examples),
            Examples = [.. batch.Examples.Select(e => new BatchExample(e.Index, e.Loss, e.GradientNorm))],
        };
}

/// <summary>A column of a record that is not what was recorded.</summary>
/// <param name="Relative">Beside the larger of the two.</param>
public sealed record ColumnDifference(string Column, double Now, double Recorded, double Absolute, double Relative);

/// <summary>The gradient over the whole training split at the same weights, and the angle between it and the batch's.</summary>
public sealed record FullGradient(double Norm, double Cosine, double Degrees, int Examples);

public sealed record BatchExample(int Index, double Loss, double GradientNorm);

/// <summary>
/// Gradients at a moment as they look on the plane: of the next batch and of the whole training split, and how far the gradients of other
/// batches would scatter.
/// </summary>
/// <param name="NextBatchSize">Also where there is no next batch.</param>
/// <param name="Batch">Null after the last update of the budget.</param>
/// <param name="Cosine">Of the angle between the two whole gradients.</param>
/// <param name="Covariance">Of single examples' gradients on the plane: xx, xy, yy. A batch of B has a B-th of it.</param>
[TypeScript]
public sealed record Moments(
    string Run,
    long Update,
    long Plane,
    PointOnPlane Point,
    int NextBatchSize,
    ProjectedGradient? Batch,
    ProjectedFullGradient Full,
    double Cosine,
    [property: TypeScript("[xx: number, xy: number, yy: number] | null")] double[]? Covariance,
    long CovarianceExamples
);

/// <summary>In the plane's coordinates, with the distance from it.</summary>
public sealed record PointOnPlane([property: Finite] double X, [property: Finite] double Y, [property: Finite] double OffPlane);

/// <summary>A gradient's components along the plane's axes, and the norm of all of it.</summary>
public sealed record ProjectedGradient([property: Finite] double X, [property: Finite] double Y, [property: Finite] double Norm);

/// <summary>The same of the mean loss over so many examples.</summary>
public sealed record ProjectedFullGradient(
    [property: Finite] double X,
    [property: Finite] double Y,
    [property: Finite] double Norm,
    int Examples
);

/// <summary>The network's answers over its two inputs.</summary>
/// <param name="Values">Base64 of little-endian float32, row by row from y0.</param>
[TypeScript]
public sealed record Boundary(
    [property: TypeScript("[x0: number, x1: number, y0: number, y1: number]")] double[] Region,
    int Resolution,
    BoundaryKind Kind,
    byte[] Values
);

/// <summary>Losses along (1 − t)·a + t·b, as in Keskar et al. 2017, figure 3.</summary>
/// <param name="Updates">Of both runs' weights.</param>
/// <param name="Test">Null without a test split.</param>
[TypeScript]
public sealed record Line(
    string A,
    string B,
    [property: TypeScript("[a: number, b: number]")] long[] Updates,
    [property: Finite] double[] T,
    LineCurve Train,
    LineCurve? Test,
    int TrainExamples,
    int TestExamples
);

/// <summary>At each t.</summary>
public sealed record LineCurve(double[] Loss, double[] Accuracy);

/// <summary>What the experiment's probes found of a run.</summary>
[TypeScript]
public sealed record Probes(IReadOnlyList<ProbePoint> Points);

/// <summary>After so many updates; null where it was not asked for.</summary>
/// <param name="Sharpness">Keskar's, in percent.</param>
/// <param name="Eigenvalues">Largest first.</param>
/// <param name="NoiseScale">In examples.</param>
public sealed record ProbePoint(
    long Update,
    double GradientNorm,
    double BatchCosine,
    double Sharpness,
    double AdaptiveSharpness,
    IReadOnlyList<double>? Eigenvalues,
    double Trace,
    double GradientCurvature,
    double FisherRao,
    double NoiseScale
);

/// <summary>Updates after which weights are kept, ascending.</summary>
[TypeScript]
public sealed record Keyframes(IReadOnlyList<long> Updates);

/// <param name="Image">Rows and columns; null where examples are no images.</param>
/// <param name="Channels">Planes of an image, one after another.</param>
/// <param name="Views">Images of an example, one after another.</param>
/// <param name="Classes">Null where there are none.</param>
[TypeScript]
public sealed record Examples(
    int Inputs,
    [property: TypeScript("[rows: number, columns: number] | null")] int[]? Image,
    int Channels,
    int Views,
    int? Classes,
    [property: JsonPropertyName("examples")] IReadOnlyList<Example> List
);

/// <param name="Pixels">Base64 of a byte for each pixel, row by row; of images.</param>
/// <param name="Values">Of few inputs.</param>
public sealed record Example(int Index, Target? Target, byte[]? Pixels, double[]? Values);

/// <summary>Examples of two inputs as points.</summary>
/// <param name="Total">In the split; of many, only some are here.</param>
[TypeScript]
public sealed record Points([property: Finite] double[] X, [property: Finite] double[] Y, IReadOnlyList<Target?> Target, int Total);

/// <summary>What an example is to be answered with: its class, or the target's values.</summary>
[JsonConverter(typeof(TargetConverter))]
[TypeScript("number | (number | null)[]")]
public sealed record Target(int Class, double[]? Values = null);

internal sealed class TargetConverter : JsonConverter<Target>
{
    public override Target Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
            ? new(reader.GetInt32())
            : new(0, JsonSerializer.Deserialize(ref reader, ApiContext.Default.DoubleArray));

    public override void Write(Utf8JsonWriter writer, Target value, JsonSerializerOptions options)
    {
        if (value.Values is { } values)
            JsonSerializer.Serialize(writer, values, ApiContext.Default.DoubleArray);
        else
            writer.WriteNumberValue(value.Class);
    }
}
