using System.Diagnostics;

namespace BatchViz.Live;

/// <summary>
/// The answers of recomputations, those least recently asked for forgotten first. The newest is always kept, however large: whoever asked
/// may be between two polls. Safe for several threads at once.
/// </summary>
/// <param name="capacity">Bytes.</param>
/// <param name="stands">How long an answer that is not final stands.</param>
internal sealed class AnswerCache(long capacity, TimeSpan stands)
{
    private readonly Lock gate = new();
    private readonly Dictionary<object, LinkedListNode<Kept>> byKey = [];
    private readonly LinkedList<Kept> newestFirst = new();
    private long bytes;

    public RecomputedAnswer? Find(object key)
    {
        lock (gate)
        {
            if (!byKey.TryGetValue(key, out var node))
                return null;
            var (_, answer, since) = node.Value;
            if (!answer.Final && Stopwatch.GetElapsedTime(since) > stands && answer.StillHolds?.Invoke() != true)
                return null;
            newestFirst.Remove(node);
            newestFirst.AddFirst(node);
            return answer;
        }
    }

    public void Keep(object key, RecomputedAnswer answer)
    {
        lock (gate)
        {
            if (byKey.TryGetValue(key, out var before))
                Forget(before);
            byKey[key] = newestFirst.AddFirst(new Kept(key, answer, Stopwatch.GetTimestamp()));
            bytes += answer.Bytes.Length;
            while (bytes > capacity && newestFirst.Count > 1)
                Forget(newestFirst.Last!);
        }
    }

    private void Forget(LinkedListNode<Kept> node)
    {
        newestFirst.Remove(node);
        byKey.Remove(node.Value.Key);
        bytes -= node.Value.Answer.Bytes.Length;
    }

    private readonly record struct Kept(object Key, RecomputedAnswer Answer, long Since);
}
