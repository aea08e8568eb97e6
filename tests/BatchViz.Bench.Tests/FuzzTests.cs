using BatchViz.Bench.Soak;
using Xunit.Abstractions;

namespace BatchViz.Bench.Tests;

/// <summary>Everything that reads foreign bytes, on made-up inputs; <c>soak --fuzz</c> does the same on a million each.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    public static TheoryData<string> Readers => [.. FuzzSoak.Targets.Keys];

    [Theory]
    [MemberData(nameof(Readers))]
    public void Foreign_bytes_are_refused_in_a_sentence_or_read_within_their_caps(string reader)
    {
        using var target = FuzzSoak.Targets[reader]();

        var result = FuzzRun.Run(target, seed: 1, first: 0, inputs: 50_000);

        output.WriteLine($"{result}");
        Assert.True(result.Failure is null, result.Failure?.Describe(reader));
        Assert.Equal(50_000, result.Inputs);
        // Neither garbage alone nor nothing wrong.
        Assert.InRange(result.Handled, 1_000, 49_000);
    }

    [Theory]
    [MemberData(nameof(Readers))]
    public void An_input_is_the_same_each_time_it_is_made(string reader)
    {
        using FuzzTarget one = FuzzSoak.Targets[reader](),
            other = FuzzSoak.Targets[reader]();
        for (int index = 0; index < 100; index++)
        {
            Assert.Equal(one.Input(5, index), one.Input(5, index));
            // Names of folders made for the occasion differ.
            if (reader != "paths")
                Assert.Equal(one.Input(5, index), other.Input(5, index));
        }
    }

    [Theory]
    [MemberData(nameof(Readers))]
    public void Inputs_whose_bytes_are_changed_were_good_before_or_nearly(string reader)
    {
        using var target = FuzzSoak.Targets[reader]();
        int handled = 0;
        var refusals = new List<string>();
        for (int index = 0; index < 300; index++)
        {
            try
            {
                target.Read(target.Valid(new FuzzRandom(1, index)));
                handled++;
            }
            catch (Exception e) when (target.Refuses(e))
            {
                refusals.Add(e.Message);
            }
        }
        Assert.True(handled > 150, $"{handled} of 300: {string.Join("\n", refusals.Take(10))}");
    }

    [Theory]
    [InlineData("throws", "ends with System.IndexOutOfRangeException")]
    [InlineData("raves", "refused with a message that has control characters")]
    [InlineData("rambles", "refused with a message that has 500 characters")]
    [InlineData("hoards", "allocates 2,")]
    [InlineData("dawdles", "takes 1.")]
    public void A_reader_with_a_defect_is_found_out_with_the_input_that_shows_it(string defect, string what)
    {
        using var target = new Defective(defect);

        var failure = FuzzRun.Run(target, seed: 3, first: 10, inputs: 1000).Failure;

        Assert.NotNull(failure);
        Assert.Contains(what, failure.What);
        Assert.Equal(target.Input(3, failure.Index), failure.Input);
        Assert.Contains($"--seed 3 --index {failure.Index} ", failure.Describe("x"));
        Assert.Equal(failure.Index, FuzzRun.Run(target, seed: 3, first: failure.Index, inputs: 1).Failure?.Index);
    }

    /// <summary>Goes wrong where the input begins with a byte above 250.</summary>
    private sealed class Defective(string defect) : FuzzTarget
    {
        public override byte[] Valid(FuzzRandom random) => [(byte)random.Below(256), 1, 2];

        public override byte[] Structured(FuzzRandom random) => Valid(random);

        public override void Read(byte[] input)
        {
            if (input.Length == 0 || input[0] <= 250)
                return;
            switch (defect)
            {
                case "throws":
                    throw new IndexOutOfRangeException();
                case "raves":
                    throw new Core.Specs.RefusedException("No\nway.");
                case "rambles":
                    throw new Core.Specs.RefusedException(new string('x', 500));
                case "hoards":
                    GC.KeepAlive(new byte[2_000_000]);
                    break;
                default:
                    Thread.Sleep(1100);
                    break;
            }
        }
    }
}
