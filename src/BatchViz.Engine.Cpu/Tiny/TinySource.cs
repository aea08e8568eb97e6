using BatchViz.Core.Data;
using BatchViz.Core.Engines;
using BatchViz.Core.Specs;

namespace BatchViz.Engine.Cpu.Tiny;

/// <summary>Where examples go in lanes: features [inputs][lanes], and what the loss wants of them.</summary>
internal unsafe struct TinyTargets
{
    public float* Features,
        Labels,
        Signs,
        Values;
}

/// <summary>Brings examples of a split into lanes.</summary>
/// <param name="lanes">Floats in a register.</param>
internal sealed unsafe class TinySource(DataSplit split, NetworkSpec network, int lanes)
{
    private readonly int inputs = network.Sizes[0],
        outputs = network.Sizes[^1];
    private readonly LossKind loss = network.Loss;

    /// <summary>One example with a unit a lane.</summary>
    public void One(int example, in TinyTargets to) => Gather([example], to, 0, 0, 1);

    /// <summary>
    /// An example a lane; lanes beyond the last example get the first one's features, so that no activation there overflows unless one
    /// that counts does: their deltas are 0, but 0·∞ is not a number.
    /// </summary>
    public void Lanes(ReadOnlySpan<int> examples, in TinyTargets to)
    {
        Gather(examples, to, 1, 1, lanes);
        for (int lane = examples.Length; lane < lanes; lane++)
        {
            for (int i = 0; i < inputs; i++)
                to.Features[i * lanes + lane] = to.Features[i * lanes];
        }
    }

    /// <summary>Examples of one lane, [examples][…][lanes].</summary>
    public void Column(ReadOnlySpan<int> examples, int lane, in TinyTargets to)
    {
        var at = new TinyTargets
        {
            Features = to.Features + lane,
            Labels = to.Labels + lane,
            Signs = to.Signs + lane,
            Values = to.Values + lane,
        };
        Gather(examples, at, lanes, 0, lanes);
    }

    /// <param name="group">From an example to the next: in units of what an example has, and …</param>
    /// <param name="place">… in floats besides.</param>
    /// <param name="unit">Floats from a feature to the next.</param>
    private void Gather(ReadOnlySpan<int> examples, in TinyTargets to, int group, int place, int unit)
    {
        // Either examples follow one another in a register, or each has registers of its own.
        int step = place > 0 ? place : group * inputs,
            one = place > 0 ? place : group,
            value = place > 0 ? place : group * outputs;
        float* features = to.Features;
        if (split.Floats is { } floats)
        {
            fixed (float* all = floats)
            {
                if (inputs == 2)
                {
                    foreach (int example in examples)
                    {
                        float* from = all + 2L * example;
                        features[0] = from[0];
                        features[unit] = from[1];
                        features += step;
                    }
                }
                else
                {
                    foreach (int example in examples)
                    {
                        float* from = all + (long)example * inputs;
                        for (int i = 0; i < inputs; i++)
                            features[i * unit] = from[i];
                        features += step;
                    }
                }
            }
        }
        else
        {
            fixed (byte* all = split.Bytes)
            {
                foreach (int example in examples)
                {
                    byte* from = all + (long)example * inputs;
                    for (int i = 0; i < inputs; i++)
                        features[i * unit] = split.Scale * from[i] + split.Offset;
                    features += step;
                }
            }
        }
        if (split.Labels is { } labels)
            Labels(examples, labels, to, one, value, unit);
        else
            Numbers(examples, to.Values, value, unit);
    }

    private void Labels(ReadOnlySpan<int> examples, int[] labels, in TinyTargets to, int one, int value, int unit)
    {
        if (loss == LossKind.CrossEntropy)
        {
            float* label = to.Labels;
            foreach (int example in examples)
            {
                *label = labels[example];
                label += one;
            }
        }
        else if (outputs > 1)
        {
            float* values = to.Values;
            foreach (int example in examples)
            {
                for (int j = 0; j < outputs; j++)
                    values[j * unit] = j == labels[example] ? 1 : 0;
                values += value;
            }
        }
        else
        {
            float* sign = loss == LossKind.Logistic ? to.Signs : to.Values;
            foreach (int example in examples)
            {
                // Of 0 and 1, without a branch that would be guessed wrong every other time.
                *sign = 2 * labels[example] - 1;
                sign += one;
            }
        }
    }

    private void Numbers(ReadOnlySpan<int> examples, float* values, int value, int unit)
    {
        foreach (int example in examples)
        {
            for (int j = 0; j < outputs; j++)
                values[j * unit] = split.Targets![(long)example * outputs + j];
            values += value;
        }
    }
}
