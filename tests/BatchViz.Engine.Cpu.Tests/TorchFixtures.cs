using System.Text.Json;
using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tests;

/// <summary>
/// A file of cases that PyTorch computed over the same examples (tests/fixtures/examples.py); a case's loss decides what is to be learned
/// of them.
/// </summary>
internal abstract record TorchFixtures<TCase>
    where TCase : TorchCase
{
    public required double[] Features { get; init; }

    public required int[] Labels { get; init; }

    public required int[] Binary { get; init; }

    public required double[] Values { get; init; }

    public required TCase[] Cases { get; init; }

    public static T Read<T>(string file)
        where T : TorchFixtures<TCase> =>
        JsonSerializer.Deserialize<T>(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fixtures", file)),
            new JsonSerializerOptions { PropertyNameCaseInsensitive = true }
        )!;

    public DataSet DataOf(TCase c)
    {
        var loss = Enum.Parse<LossKind>(c.Loss);
        bool regression = loss == LossKind.Squared;
        var split = new DataSplit
        {
            Count = Labels.Length,
            Inputs = c.Sizes[0],
            Floats = [.. Features.Select(v => (float)v)],
            Labels =
                regression ? null
                : loss == LossKind.Logistic ? Binary
                : Labels,
            Targets = regression ? [.. Values.Select(v => (float)v)] : null,
        };
        int outputs = loss == LossKind.Logistic ? 2 : c.Sizes[^1];
        return new DataSet("fixtures", regression ? DataTask.Regression : DataTask.Classification, c.Sizes[0], outputs, split, null);
    }
}

/// <summary>A dense net at given weights.</summary>
internal abstract record TorchCase
{
    public required string Activation { get; init; }

    public required string Loss { get; init; }

    public string OutputActivation { get; init; } = "Linear";

    public required int[] Sizes { get; init; }

    /// <summary>Weights in the canonical order.</summary>
    public required double[] Start { get; init; }

    public NetworkSpec Network =>
        new(
            new ModelSpec
            {
                Hidden = Sizes[1..^1],
                Activation = Enum.Parse<Activation>(Activation),
                OutputActivation = Enum.Parse<Activation>(OutputActivation),
            },
            Enum.Parse<LossKind>(Loss),
            Sizes
        );
}

/// <summary>A training that begins there.</summary>
internal abstract record TorchTraining : TorchCase
{
    public required double Rate { get; init; }

    /// <summary>Before each update.</summary>
    public required double[] Losses { get; init; }

    /// <summary>The weights after the last one.</summary>
    public required double[] End { get; init; }
}
