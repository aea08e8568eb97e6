using BatchViz.Core.Specs;

namespace BatchViz.Components.NewExperiment;

/// <summary>A ready experiment file and what it teaches. An unreadable one says why and hides no other.</summary>
public sealed record Preset(string Key, string Name, string Lesson, ExperimentSpec? Spec, string? Problem)
{
    /// <summary>In the order in which one would learn from them.</summary>
    private static readonly (string Key, string Lesson)[] Lessons =
    [
        ("mnist", "Handwritten digits: compare the runs by examples, then by lane seconds, and see whether their order stays."),
        ("warmup", "Rates ∝ B up to a rate at which a cold start fails: take the warm-up out and see which run is lost."),
        ("moons", "Two interleaved half-moons: watch how the noise of small batches roughens the way down."),
        ("spirals", "Two spirals wound into each other: a long way through a bent valley, which tells rates and batch sizes apart."),
        ("circles", "One ring inside another: every batch size can do it, so look at how, not whether."),
        ("xor", "Four clouds that no straight line divides: see who leaves the flat start first."),
        ("gaussians", "Two clouds and a nearly straight border: batch size changes the way more than the end."),
        ("grow-the-batch", "The same clouds with batches that grow instead of a rate that falls: even B = 1 comes to rest, in fewer updates."),
        ("line", "A line through points has two weights: the bowl you see is the whole landscape, nothing is hidden."),
        ("double-well", "Two valleys with a ridge between them: can the noise of small batches carry a run across?"),
        ("saddle", "A saddle: the full batch has no noise to fall off it with; small ones do."),
        ("beale", "A ravine with steep walls, long used to test optimisers: raise the rate and see which run is thrown out."),
    ];

    public static string Folder => Path.Combine(AppContext.BaseDirectory, "examples");

    /// <summary>The files of a folder: those with a lesson first, then the others by name.</summary>
    public static IReadOnlyList<Preset> ReadAll(string folder)
    {
        if (!Directory.Exists(folder)) return [];
        var files = Directory.GetFiles(folder, "*.json").ToDictionary(file => Path.GetFileNameWithoutExtension(file));
        var others = files.Keys.Except(Lessons.Select(lesson => lesson.Key)).Where(key => !key.EndsWith(".schema", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        return [.. Lessons.Where(lesson => files.ContainsKey(lesson.Key)).Concat(others.Select(key => (key, ""))).Select(lesson => Read(lesson.Item1, lesson.Item2, files[lesson.Item1]))];
    }

    private static Preset Read(string key, string lesson, string file)
    {
        try
        {
            var spec = SpecReader.Read(File.ReadAllBytes(file), Path.GetFileName(file));
            return new Preset(key, spec.Name, lesson, spec, null);
        }
        catch (Exception e) when (e is SpecException or IOException or UnauthorizedAccessException)
        {
            return new Preset(key, key, lesson, null, e.Message);
        }
    }
}
