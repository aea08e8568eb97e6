using BatchViz.Components.NewExperiment;

namespace BatchViz.Tests.Components;

public class PresetsTests
{
    [Fact]
    public void Every_example_beside_the_program_reads_and_has_a_lesson()
    {
        var presets = Preset.ReadAll(Preset.Folder);

        Assert.All(
            presets,
            preset => Assert.True(preset.Problem is null && preset.Lesson.Length > 0, $"{preset.Key}: {preset.Problem ?? "no lesson"}")
        );
        Assert.All(
            presets,
            preset =>
                Assert.True(
                    preset.Picture is { Bands.Count: > 0, Traces.Count: > 0 },
                    $"{preset.Key} has no picture; run examples/pictures.sh"
                )
        );
        Assert.Equal(
            [
                "mnist",
                "three-regimes",
                "rate-constant",
                "rate-linear",
                "diverging",
                "warmup",
                "lenet",
                "moons",
                "spirals",
                "circles",
                "xor",
                "gaussians",
                "lbfgs",
                "ohem",
                "stale-workers",
                "grow-the-batch",
                "fashion-mnist",
                "drift",
                "pairs",
                "line",
                "double-well",
                "saddle",
                "beale",
            ],
            presets.Select(preset => preset.Key)
        );
    }

    [Fact]
    public void An_unreadable_file_says_why_and_hides_no_other()
    {
        string folder = Directory.CreateTempSubdirectory("presets").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "moons.json"), "{ \"data\": { \"kind\": \"moon\" } }");
            File.WriteAllText(Path.Combine(folder, "own.json"), SomeHost.Moons);

            var presets = Preset.ReadAll(folder);

            Assert.Equal(["moons", "own"], presets.Select(preset => preset.Key));
            Assert.StartsWith("\"data.kind\" is \"moon\"", presets[0].Problem);
            Assert.Equal("Moons", presets[1].Spec?.Name);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
