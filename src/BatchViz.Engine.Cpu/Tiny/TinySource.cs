using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>Brings examples of a split into lanes.</summary>
/// <param name="lanes">Floats in a register.</param>
internal sealed unsafe class TinySource(DataSplit split, NetworkSpec network, int lanes)
{
    private readonly int inputs = network.Sizes[0], outputs = network.Sizes[^1];
    private readonly LossKind loss = network.Loss;

    /// <summary>One example with a unit a lane.</summary>
    public void One(int example, in TinyPlan plan)
    {
        for (int i = 0; i < inputs; i++) plan.Features[i] = Feature(example, i);
        Wanted(example, plan.Labels, plan.Signs, plan.Targets, 1);
    }

    /// <summary>An example a lane: features [inputs][lanes], and what is wanted of each. Lanes beyond the last example get features of 0.</summary>
    public void Lanes(ReadOnlySpan<int> examples, float* features, float* labels, float* signs, float* values)
    {
        for (int lane = 0; lane < examples.Length; lane++) Lane(examples[lane], lane, features, labels, signs, values);
        for (int lane = examples.Length; lane < lanes; lane++)
        {
            for (int i = 0; i < inputs; i++) features[i * lanes + lane] = 0;
        }
    }

    /// <summary>One lane of <see cref="Lanes"/>.</summary>
    public void Lane(int example, int lane, float* features, float* labels, float* signs, float* values)
    {
        features += lane;
        if (split.Floats is { } floats)
        {
            var from = floats.AsSpan(example * inputs, inputs);
            foreach (float feature in from)
            {
                *features = feature;
                features += lanes;
            }
        }
        else
        {
            for (int i = 0; i < inputs; i++) features[i * lanes] = Feature(example, i);
        }
        Wanted(example, labels + lane, signs + lane, values + lane, lanes);
    }

    private float Feature(int example, int i)
        => split.Floats is { } floats ? floats[example * inputs + i] : split.Scale * split.Bytes![(long)example * inputs + i] + split.Offset;

    private void Wanted(int example, float* label, float* sign, float* values, int step)
    {
        if (split.Labels is not { } labels)
        {
            for (int j = 0; j < outputs; j++) values[j * step] = split.Targets![example * outputs + j];
            return;
        }
        int wanted = labels[example];
        switch (loss)
        {
            case LossKind.CrossEntropy:
                *label = wanted;
                break;
            case LossKind.Squared when outputs > 1:
                for (int j = 0; j < outputs; j++) values[j * step] = j == wanted ? 1 : 0;
                break;
            default:
                *(loss == LossKind.Logistic ? sign : values) = wanted == 1 ? 1 : -1;
                break;
        }
    }
}
