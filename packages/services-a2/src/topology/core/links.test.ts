import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNews, Links } from './links.ts';
import { NewsLog } from './news-log.ts';

function item(nodeId: string, origin = ''): Parameters<NewsLog['append']>[0] {
  return { nodeId, incarnation: 1, news: 'record', claimer: '', origin };
}

test('[topo-link-3] whoever has room takes a link; one with too many takes who has at least two fewer', () => {
  const links = new Links();
  const news = new NewsLog();
  for (let index = 0; index < 5; index++) links.add(`n${index}`, index, news);
  assert.equal(links.admits(9, 6), 'yes');
  links.add('n5', 2, news);
  assert.equal(links.admits(4, 6), 'instead-of-another');
  assert.equal(links.admits(5, 6), 'no');
  assert.equal(links.richest('', () => 1)?.address, 'n4');
  assert.equal(links.richest('n4', () => 1)?.address, 'n3');
});

test('[topo-gos-1] a link hears what it did not tell, once', () => {
  const links = new Links();
  const news = new NewsLog();
  news.append(item('before'));
  const link = links.add('peer', 0, news);
  assert.equal(
    hasNews(link, news, () => true),
    false,
  );
  news.append(item('own', 'peer'));
  assert.equal(
    hasNews(link, news, () => true),
    false,
  );
  news.append(item('other', 'elsewhere'));
  assert.equal(
    hasNews(link, news, () => true),
    true,
  );
  assert.equal(
    hasNews(link, news, ({ nodeId }) => nodeId !== 'other'),
    false,
  );
  assert.equal(link.toldUpTo, news.last);
});

test('the log of news is bounded, and says what it no longer covers', () => {
  const news = new NewsLog();
  for (let index = 0; index < 20_000; index++) news.append(item(`n${index}`));
  assert.equal(news.last, 20_000);
  assert.equal(news.covers(1), false);
  assert.equal(news.at(1), undefined);
  assert.equal(news.covers(19_000), true);
  assert.equal(news.at(20_000)?.nodeId, 'n19999');
});
